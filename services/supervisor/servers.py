"""The two servers of a distributed house: its own, or ones that run already."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from services.access import admin_password
from services.process import CannotStart
from shared.testing.kafka import KafkaServer
from shared.testing.postgres import Databases, PostgresServer

CONNECTIONS: Final = "300"
"""As many as the container allows: sixteen for each process with a store, twice over."""

Server: TypeAlias = KafkaServer | PostgresServer


class Kafka(Protocol):
    """A Kafka that runs; one with an `admin_password` asks everybody who he is."""

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients."""
        ...


def servers_of(
    folder: Path, kafka: Kafka | None, postgres: Databases | None, passwords: Path | None
) -> tuple[Kafka, Databases, dict[str, Server]]:
    """Return the servers of a house, and those of them that are its own, not started yet."""
    own: dict[str, Server] = {}
    if kafka is None:
        assert passwords is not None
        kafka = own["kafka"] = KafkaServer(
            folder / "kafka", admin_password=admin_password(passwords)
        )
    if postgres is None:
        postgres = own["postgresql"] = PostgresServer(
            folder / "postgres", settings={"max_connections": CONNECTIONS}
        )
    return kafka, postgres, own


def start(servers: Iterable[Server], noted: Callable[[int | None], None]) -> None:
    """Start servers side by side; raise CannotStart where one does not come up."""
    with ThreadPoolExecutor(2) as side_by_side:
        begun = [(server, side_by_side.submit(server.start)) for server in servers]
        for server, started in begun:
            try:
                started.result()
            except RuntimeError as error:  # no Java, no jars, or it did not come up: a sentence
                raise CannotStart(str(error)) from error
            noted(server.pid)


def kill(server: Server) -> None:
    """End a server as a power cut would."""
    if isinstance(server, PostgresServer):
        server.stop(kill=True)
    else:
        server.kill()


def create_databases(postgres: Databases, names: Iterable[str]) -> None:
    """Make the databases that are not there yet; may be called where an event loop runs."""
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(asyncio.run, _create(postgres, list(names))).result()


async def _create(postgres: Databases, names: list[str]) -> None:
    present = await postgres.databases()
    for name in names:
        if name not in present:
            await postgres.create_database(name)
