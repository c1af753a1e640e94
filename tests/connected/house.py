"""A distributed house as a test has it: its own servers, entered by the gateway, stopped well."""

import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from services.process import CannotStart
from services.supervisor import Distributed, distributed
from services.supervisor.servers import start
from shared.testing.jars import NoKafka
from shared.testing.kafka import KafkaServer
from shared.testing.ports import free_port
from shared.testing.postgres import PostgresServer
from tests.journeys.house import House, entered
from tests.required import unavailable

MARKS = [
    pytest.mark.anyio,
    pytest.mark.connected,
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.xdist_group("connected"),
    pytest.mark.timeout(600),
]
"""One worker runs all of these: one house at a time is what two cores can carry."""
POSTGRES = {"fsync": "off", "max_connections": "300"}
"""A test does not wait for the disk."""


@dataclass
class Servers:
    """Kafka and PostgreSQL, and the folder that theirs lie in."""

    folder: Path
    kafka: KafkaServer
    postgres: PostgresServer


@contextmanager
def own_folder() -> Iterator[Path]:
    """Make a folder that another user may pass through, deleted at the end.

    Those of `tmp_path` lie below one that every run of pytest closes to others, and PostgreSQL,
    which runs as another user where the tests run as root, would find its data gone.
    """
    with tempfile.TemporaryDirectory(prefix="andan-") as folder:
        yield Path(folder)


@contextmanager
def begun() -> Iterator[Servers]:
    """Start both servers; where one cannot be had the test is left out, or fails."""
    with own_folder() as folder:
        kafka = KafkaServer(folder / "kafka", admin_password=secrets.token_hex(16))
        postgres = PostgresServer(folder / "postgres", settings=POSTGRES)
        try:
            start([kafka, postgres], lambda pid: None)
            yield Servers(folder, kafka, postgres)
        except CannotStart as error:
            if isinstance(error.__cause__, NoKafka):
                unavailable(str(error))
            raise
        finally:
            kafka.kill()
            postgres.stop(kill=True)


@asynccontextmanager
async def connected(
    servers: Servers,
    replay_from: datetime,
    *,
    replicas: Mapping[str, int] | None = None,
) -> AsyncIterator[tuple[Distributed, House]]:
    """Run a house on the servers and enter it; at the end every process has to stop cleanly."""
    data = servers.folder / "var"
    with distributed(
        data,
        free_port(),
        replay_from=replay_from,
        replicas=replicas,
        kafka=servers.kafka,
        postgres=servers.postgres,
    ) as fleet:
        async with entered(fleet.gateway, data, data / "mail") as house:
            yield fleet, house
        stops_well(fleet)


def stops_well(fleet: Distributed) -> None:
    """Stop every process, the gateway first: each ends with status 0 and told of no exception."""
    fleet.stop()
    for name, process in fleet.processes.items():
        assert process.child is not None
        assert process.child.returncode == 0, f"{name}: {said(fleet, name)[-2000:]}"
        assert "Traceback" not in said(fleet, name), f"{name}: {said(fleet, name)[-3000:]}"


def said(fleet: Distributed, name: str) -> str:
    """Return everything that a process has logged."""
    return fleet.processes[name].log.read_text(errors="replace")
