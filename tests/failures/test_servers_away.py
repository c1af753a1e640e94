"""The toys while their database or their Kafka is gone: refused or kept, and recovered alone."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from shared.store.away import store_is_away
from shared.testing.kafka import KafkaServer
from shared.testing.postgres import PostgresServer
from tests.failures.checkers import agree
from tests.failures.processes import Child, ended
from tests.failures.toy_campaign import (
    Traffic,
    remains_of_databases,
    remains_of_files,
    toys,
    until_quiet,
    violations,
)
from tests.toy.house import unique

pytestmark = [pytest.mark.anyio, pytest.mark.failures, pytest.mark.slow]

AWAY_SECONDS = 2.0


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of the test's own, to be killed and started again."""
    server = PostgresServer().start()
    yield server
    server.stop()


@asynccontextmanager
async def driven(traffic: Traffic) -> AsyncIterator[None]:
    """Let the traffic run meanwhile."""
    stop = asyncio.Event()
    driving = asyncio.create_task(traffic.drive(stop))
    try:
        yield
    finally:
        stop.set()
        await driving


async def until(condition: Callable[[], bool], seconds: float = 40) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def status_of(child: Child, path: str) -> int:
    """Return the status that a GET is answered with."""
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
        return (await client.get(f"{child.url}{path}")).status_code


class OfPostgres(Exception):
    """What the driver raises, with its code"""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (ConnectionRefusedError(), True),
        (DBAPIError("SELECT 1", None, OfPostgres("57P03")), True),
        (DBAPIError("SELECT 1", None, OfPostgres("53300")), True),
        (OperationalError("COMMIT", None, OSError("disk full")), True),
        (DBAPIError("SELECT 1", None, OfPostgres("42P01")), False),
        (IntegrityError("INSERT", None, OfPostgres("23505")), False),
        (ValueError(), False),
    ],
)
def test_a_store_that_is_away_is_told_from_a_statement_that_is_wrong(
    error: Exception, away: bool
) -> None:
    """Refused, starting up or without room: wait. Anything else: not."""
    assert store_is_away(error) is away


@pytest.mark.postgres
@pytest.mark.timeout(180)
async def test_a_database_that_is_killed_loses_nothing_acknowledged(
    tmp_path: Path, own_postgres: PostgresServer, seed: int
) -> None:
    """While it is gone the process is not ready and answers 503; then it goes on by itself."""
    urls = {name: await own_postgres.create_database(name) for name in ("lender", "ledger")}
    child = toys(tmp_path, lender_url=urls["lender"], ledger_url=urls["ledger"])
    traffic = Traffic([child.url], random.Random(seed))
    with ended(child):
        await child.start().until_ready()
        async with driven(traffic):
            await until(lambda: traffic.acknowledged > 50)
            await asyncio.to_thread(own_postgres.stop, kill=True)
            await asyncio.sleep(AWAY_SECONDS)
            assert [await status_of(child, path) for path in ("/readyz", "/shelves/s")] == [
                503,
                503,
            ]
            before = traffic.acknowledged
            await asyncio.to_thread(own_postgres.start)
            await until(lambda: traffic.acknowledged > before + 50)
        await child.until_ready()
        await traffic.settle()
        await until_quiet(child.url, f"{child.url}/ledger", seconds=60)
        assert child.terminate() == 0, child.said[-2000:]
    agree(seed, violations(traffic.history, await remains_of_databases(urls)))
    refused = {attempt.status for attempt in traffic.history.attempts} - {201, 409, None}
    assert refused <= {503}


@pytest.mark.kafka
@pytest.mark.timeout(180)
async def test_while_kafka_is_away_writing_goes_on_and_nothing_is_lost(
    tmp_path: Path, kafka_server: KafkaServer, seed: int
) -> None:
    """What is acknowledged meanwhile waits in the outbox, and takes effect once Kafka is back."""
    child = toys(tmp_path, bus=kafka_server.bootstrap_servers, mark=unique("away"))
    traffic = Traffic([child.url], random.Random(seed))
    with ended(child):
        await child.start().until_ready()
        async with driven(traffic):
            await until(lambda: traffic.acknowledged > 50)
            await asyncio.to_thread(kafka_server.kill)
            before = traffic.acknowledged
            await asyncio.sleep(AWAY_SECONDS)
            await until(lambda: traffic.acknowledged > before + 50)
            await asyncio.to_thread(kafka_server.start)
            before = traffic.acknowledged
            await until(lambda: traffic.acknowledged > before + 20)
        await traffic.settle()
        await until_quiet(child.url, f"{child.url}/ledger", seconds=90)
        await child.until_ready()
        assert child.terminate() == 0, child.said[-2000:]
    agree(seed, violations(traffic.history, remains_of_files(tmp_path)))
