"""The distributed house on one machine: a Kafka, a PostgreSQL, and a process per service."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

import httpx2

from services.process import CannotStart
from services.topology import BEHIND, WITH_STORE
from shared.security.keyring import Keyring
from shared.testing.kafka import KafkaServer
from shared.testing.ports import free_port
from shared.testing.postgres import PostgresServer

READY_SECONDS = 60
STOP_SECONDS = 30
LOOK_EVERY_SECONDS = 0.5


@dataclass
class Process:
    """A service that runs as a child, and the port it answers on."""

    name: str
    port: int
    child: subprocess.Popen[bytes]
    log: IO[bytes]

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Distributed:
    """Everything that runs: two servers and a process per service; the gateway is the way in."""

    folder: Path
    kafka: KafkaServer
    postgres: PostgresServer
    environment: dict[str, str]
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        """The one public address."""
        return self.processes["gateway"].address

    def launch(self, name: str, port: int) -> Process:
        """Start the service `name` on `port`; its log goes to a file of its name."""
        logs = self.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        log = (logs / f"{name}.jsonl").open("ab")
        child = subprocess.Popen(  # noqa: S603 -- our own module
            [sys.executable, "-m", "services", name],
            env={**os.environ, **self.environment, "PORT": str(port)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.processes[name] = Process(name, port, child, log)
        return self.processes[name]

    def wait_until_ready(self) -> None:
        """Return once every process answers that it is ready; raise CannotStart if one does not."""
        until = time.monotonic() + READY_SECONDS
        for process in self.processes.values():
            while not _is_ready(process):
                if process.child.poll() is not None or time.monotonic() > until:
                    raise CannotStart(
                        f"The service {process.name} did not start; "
                        f"its log is {self.folder / 'logs' / process.name}.jsonl"
                    )
                time.sleep(0.05)

    def ended(self) -> list[str]:
        """Return the names of processes that have ended by themselves."""
        return [name for name, each in self.processes.items() if each.child.poll() is not None]

    def stop(self) -> None:
        """End the gateway first, then the services."""
        order = sorted(self.processes.values(), key=lambda each: each.name != "gateway")
        for process in order:
            if process.child.poll() is None:
                process.child.send_signal(signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        for process in order:
            try:
                process.child.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.child.kill()
                process.child.wait()
            process.log.close()


@contextmanager
def distributed(
    folder: Path, port: int, *, replay_from: datetime | None = None
) -> Iterator[Distributed]:
    """Run the distributed house with its data in `folder`, the gateway on `port`, until the end."""
    folder = folder.resolve()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends a start as Ctrl-C does
    Keyring.open(folder / "keys").make_all()
    with ExitStack() as rest:  # the servers end last, also where not all of it could start
        kafka = KafkaServer(folder / "kafka")
        rest.callback(kafka.stop)
        _start(kafka)
        postgres = PostgresServer(folder / "postgres")
        rest.callback(postgres.stop)
        _start(postgres)
        asyncio.run(_create_databases(postgres))
        ports = {name: free_port() for name in BEHIND}
        environment = {
            "ANDAN_DATA": str(folder),
            "ANDAN_SOURCE": f"http://127.0.0.1:{port}",
            "ANDAN_GATEWAY": f"http://127.0.0.1:{port}",
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "DATABASE_URL": postgres.url("{service}"),
            "ANDAN_UPSTREAMS": json.dumps({n: f"http://127.0.0.1:{p}" for n, p in ports.items()}),
        }
        if replay_from is not None:
            environment["ANDAN_REPLAY_FROM"] = replay_from.isoformat()
        house = Distributed(folder, kafka, postgres, environment)
        rest.callback(house.stop)
        for name in BEHIND:
            house.launch(name, ports[name])
        house.launch("gateway", port)
        house.wait_until_ready()
        yield house


def until_stopped(house: Distributed) -> list[str]:
    """Wait for a signal; return at once with the names of processes that end by themselves."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    while not asked_to_stop.wait(LOOK_EVERY_SECONDS):
        if ended := house.ended():
            return ended
    return []


def _start(server: KafkaServer | PostgresServer) -> None:
    try:
        server.start()
    except RuntimeError as error:  # no Java, no jars, or it did not come up: told in a sentence
        raise CannotStart(str(error)) from error


async def _create_databases(postgres: PostgresServer) -> None:
    present = await postgres.databases()
    for name in WITH_STORE:
        if name not in present:
            await postgres.create_database(name)


def _is_ready(process: Process) -> bool:
    try:
        return httpx2.get(f"{process.address}/readyz", timeout=5).status_code == 200
    except httpx2.TransportError:
        return False
