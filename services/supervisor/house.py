"""The distributed house on one machine: a Kafka, a PostgreSQL, and processes of every service."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from services.access import admin_credentials, make_passwords, prepare
from services.process import CannotStart
from services.supervisor.alone import Children, alone_in
from services.supervisor.plan import process_names, processes, prometheus
from services.supervisor.process import STOP_SECONDS, Process
from services.supervisor.servers import Kafka, Server, create_databases, kill, servers_of, start
from services.topology import WITH_STORE
from shared.security.keyring import Keyring
from shared.testing.postgres import Databases

READY_SECONDS: Final = 120.0
LOOK_EVERY_SECONDS: Final = 0.1
PASSWORDS: Final = "kafka-passwords"

Tell: TypeAlias = Callable[[str], None]


def silently(line: str) -> None:
    """Tell nobody."""


@dataclass
class Distributed:
    """Everything that runs: two servers and the processes; the gateway is the way in.

    Nothing in it touches signals or the event loop of whoever uses it. Different processes may be
    ended and started from different threads.
    """

    folder: Path
    kafka: Kafka
    postgres: Databases
    servers: dict[str, Server]
    """The servers that are the house's own: those that it starts and stops."""
    passwords: Path | None = None
    """Where the passwords on Kafka lie; None where the server asks nobody who he is."""
    environment: dict[str, str] = field(default_factory=dict)
    """What every process is told."""
    processes: dict[str, Process] = field(default_factory=dict)
    prometheus: Process | None = None
    """Where it was asked for, and is installed."""
    children: Children | None = None
    is_launching: bool = False
    """Whether a child is being made at this moment, which nobody could end yet."""
    interruption: Callable[[], None] | None = None
    """What a signal that came meanwhile asks for; done once the child is known."""

    @property
    def gateway(self) -> str:
        """The one public address (the first gateway's, where there are several)."""
        return self.processes["gateway"].address

    @property
    def admin_environment(self) -> dict[str, str]:
        """What `python -m services backup`, `restore` and `topics` are told about this house."""
        return self.environment | (admin_credentials(self.passwords) if self.passwords else {})

    @property
    def everything(self) -> list[Process]:
        """Every process that is no server: those of the services, then Prometheus."""
        return [*self.processes.values(), *([self.prometheus] if self.prometheus else [])]

    def launch(self, name: str) -> Process:
        """Start a process, or start it again on the same port with the same environment."""
        return self.launch_process(self.processes[name])

    def launch_process(self, process: Process) -> Process:
        """Start a process of this house, Prometheus too, and write down that it runs."""
        self.is_launching = True
        try:
            process.launch()
            self.noted(process.child.pid if process.child else None)
        finally:
            self.is_launching = False
        if (interruption := self.interruption) is not None:
            self.interruption = None
            interruption()
        return process

    def kill(self, name: str) -> None:
        """End a process with SIGKILL, and wait until it is gone."""
        self.processes[name].kill()

    def stop_one(self, name: str) -> int | None:
        """Ask a process to stop (SIGTERM) and wait; return its status."""
        return self.processes[name].stop()

    def wait_until_ready(
        self, *names: str, seconds: float = READY_SECONDS, tell: Tell = silently
    ) -> None:
        """Return once these processes (all, where none is named) say that they are ready.

        Raises CannotStart where one ends instead, or is not ready in time.
        """
        until = time.monotonic() + seconds
        awaited = [self.processes[name] for name in names] if names else self.everything
        left = list(awaited)
        while left:
            for process in [each for each in left if each.is_ready()]:
                left.remove(process)
                tell(f"  {process.name} is ready ({len(awaited) - len(left)} of {len(awaited)})")
            for process in left:
                if not process.runs or time.monotonic() > until:
                    how = "did not become ready" if process.runs else "did not start"
                    raise CannotStart(f"{process.name} {how}; its log is {process.log}")
            if left:
                time.sleep(LOOK_EVERY_SECONDS)

    def ended(self) -> list[str]:
        """Return the names of processes that have ended by themselves."""
        return [each.name for each in self.everything if each.wanted and not each.runs]

    def stop(self) -> None:
        """End the gateways first, so that no request comes in, then everything behind them."""
        front = [each for each in self.everything if each.service == "gateway"]
        behind = [each for each in self.everything if each.service != "gateway"]
        until = time.monotonic() + STOP_SECONDS
        for group in (front, behind):
            for process in group:
                process.ask_to_stop()
            for process in group:
                process.wait(until - time.monotonic())  # a second signal might cut its end short

    def kill_all(self) -> None:
        """End every process and every own server at once."""
        for process in self.everything:
            process.kill()
        for server in self.servers.values():
            kill(server)

    def kill_at_once(self) -> None:
        """Have everything killed and wait for nothing: a signal handler may not."""
        started = [each.child.pid for each in self.everything if each.child and each.runs]
        for pid in (*started, *(server.pid for server in self.servers.values())):
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)  # each is the first of its group

    def noted(self, pid: int | None) -> None:
        """Write down that a child runs, so that it is found if nobody stops it."""
        if self.children is not None:
            self.children.note(pid)


def planned(
    folder: Path, *, kafka: Kafka | None = None, postgres: Databases | None = None
) -> Distributed:
    """Return a house whose data lies in `folder`, with nothing started.

    `kafka` and `postgres` are servers that run already and are left running; without them it has
    its own.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    passwords: Path | None = folder / PASSWORDS
    if kafka is None:
        make_passwords(folder / PASSWORDS)
    elif admin := getattr(kafka, "admin_password", None):
        make_passwords(folder / PASSWORDS, admin=admin)
    else:
        passwords = None
    kafka, postgres, own = servers_of(folder, kafka, postgres, passwords)
    return Distributed(folder, kafka, postgres, own, passwords)


@contextmanager
def running(
    house: Distributed,
    port: int,
    *,
    replay_from: datetime | None = None,
    replicas: Mapping[str, int] | None = None,
    environment: Mapping[str, str] | None = None,
    module: str = "services",
    watched: bool = False,
    tell: Tell = silently,
) -> Iterator[None]:
    """Run a house with its gateway on `port`: servers, topics, processes; stop all at the end.

    Raises CannotStart, with nothing left running. `watched`: by Prometheus, where it is installed.
    """
    names = process_names(replicas or {})
    with ExitStack() as rest:  # the servers end last, also where not all of it could start
        house.children = rest.enter_context(alone_in(house.folder))
        if left := house.children.kill():
            tell(f"{left} processes that were left running here have been ended.")
        Keyring.open(house.folder / "keys").make_all()
        for server in house.servers.values():
            rest.callback(server.stop)
        tell("Starting Kafka and PostgreSQL …")
        start(house.servers.values(), house.noted)
        tell("Making databases and topics …")
        create_databases(house.postgres, WITH_STORE)
        prepare(
            house.kafka.bootstrap_servers,
            house.passwords,
            replicas=int((environment or {}).get("ANDAN_KAFKA_REPLICAS", 1)),
            min_insync=int((environment or {}).get("ANDAN_KAFKA_MIN_INSYNC", 1)),
        )
        house.environment = _told(house, port, replay_from) | dict(environment or {})
        house.processes = processes(
            names,
            port,
            environment=house.environment,
            passwords=house.passwords,
            logs=house.folder / "logs",
            module=module,
        )
        house.prometheus = prometheus(house.folder, house.processes) if watched else None
        tell(f"Starting {len(house.everything)} processes …")
        rest.callback(house.stop)
        for process in house.everything:
            house.launch_process(process)
        house.wait_until_ready(tell=tell)
        yield


@contextmanager
def distributed(
    folder: Path,
    port: int,
    *,
    replay_from: datetime | None = None,
    replicas: Mapping[str, int] | None = None,
    kafka: Kafka | None = None,
    postgres: Databases | None = None,
    environment: Mapping[str, str] | None = None,
    module: str = "services",
) -> Iterator[Distributed]:
    """Run the distributed house with its data in `folder`, the gateway on `port`, until the end.

    `kafka` and `postgres` are servers that run already and are left running; without them the
    house has its own. `replicas` says of which service several processes run. `environment` is
    told to every process. Each is `python -m MODULE SERVICE`, where `module` may be a house with a
    fault planted in it.
    """
    house = planned(folder, kafka=kafka, postgres=postgres)
    with running(
        house,
        port,
        replay_from=replay_from,
        replicas=replicas,
        environment=environment,
        module=module,
    ):
        yield house


def _told(house: Distributed, port: int, replay_from: datetime | None) -> dict[str, str]:
    told = {
        "ANDAN_DATA": str(house.folder),
        "ANDAN_SOURCE": f"http://127.0.0.1:{port}",
        "ANDAN_GATEWAY": f"http://127.0.0.1:{port}",
        "KAFKA_BOOTSTRAP_SERVERS": house.kafka.bootstrap_servers,
        "DATABASE_URL": house.postgres.url("{service}"),
    }
    return told | ({"ANDAN_REPLAY_FROM": replay_from.isoformat()} if replay_from else {})
