"""The ground of a distributed measurement: a Kafka and a PostgreSQL of its own, new each time."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from services.topology import WITH_STORE
from shared.messaging.broker import KafkaBus
from shared.security.keyring import Keyring
from shared.testing.kafka import KafkaServer
from shared.testing.postgres import PostgresServer

DECLARE_SECONDS = 120
LOOK_EVERY_SECONDS = 0.25
PATIENCE_SECONDS = 900

_TAKEN = (
    "SELECT count(*), extract(epoch FROM min(at)), extract(epoch FROM max(at))"
    " FROM (SELECT pg_xact_commit_timestamp(xmin) AS at FROM inbox WHERE consumer = $1) AS taken"
    " WHERE extract(epoch FROM at) >= $2"
)


@dataclass(frozen=True)
class Taken:
    """What a consumer has taken: how many messages, and when the first and last were committed."""

    count: int
    first: float
    last: float


@dataclass(frozen=True)
class Ground:
    """Two servers without anything on them but the topics and empty databases."""

    kafka: KafkaServer
    postgres: PostgresServer
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process is told so that it finds them."""
        return {
            "ANDAN_DATA": str(self.folder),
            "ANDAN_SOURCE": "https://bench.example",
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "DATABASE_URL": self.postgres.url("{service}"),
        }

    async def taken(self, service: str, group: str, since: float = 0.0) -> Taken:
        """Return what a group has taken since then: the database notes when each row committed."""
        connection = await asyncpg.connect(self.postgres.url(service))
        try:
            row = await connection.fetchrow(_TAKEN, group, since)
        finally:
            await connection.close()
        return Taken(row[0], float(row[1] or 0), float(row[2] or 0))

    async def until_read(self, group: str, topics: Sequence[str]) -> None:
        """Return once a group has acknowledged all that lies on these topics.

        It looks seldom: what is measured is when rows were committed, not when this returns.
        """
        bus = KafkaBus(self.kafka.bootstrap_servers)
        await bus.start()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while any((await bus.lag(group, topics)).values()):
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
        finally:
            await bus.stop()


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """Start both servers, make keys, databases and topics; stop the servers at the end."""
    Keyring.open(folder / "keys").make_all()
    kafka = KafkaServer(folder / "kafka").start()
    try:
        # It notes when each transaction was committed: effects are timed without looking on.
        settings = {"track_commit_timestamp": "on", "max_connections": "300"}
        postgres = PostgresServer(folder / "postgres", settings=settings).start()
        try:
            asyncio.run(_databases(postgres))
            made = Ground(kafka, postgres, folder)
            _declare(made.environment)
            yield made
        finally:
            postgres.stop()
    finally:
        kafka.stop()


async def _databases(postgres: PostgresServer) -> None:
    for name in WITH_STORE:
        await postgres.create_database(name)


def _declare(environment: dict[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "services", "topics"],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        timeout=DECLARE_SECONDS,
    )


async def fetch(url: str, statement: str, *values: Any) -> list[Any]:
    """Return the rows of one statement."""
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()


async def execute(url: str, statements: str) -> None:
    """Execute statements that have no values."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
