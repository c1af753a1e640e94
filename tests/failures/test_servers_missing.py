"""No database and no Kafka at the start: processes wait, say so, and start when they come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.access import prepare
from shared.security.keyring import Keyring
from shared.testing.jars import NoKafka
from shared.testing.kafka import KafkaServer
from tests.failures.outages import floods
from tests.failures.processes import Child, ended
from tests.failures.servers import postgres_of_its_own
from tests.required import unavailable

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.connected,
]

Comes = Callable[[], Awaitable[None]]


async def said(child: Child, words: str, seconds: float = 60) -> None:
    """Wait until a process has said something; it must not end meanwhile."""
    async with asyncio.timeout(seconds):
        while words not in child.said:
            assert child.runs, child.said[-2000:]
            await asyncio.sleep(0.05)


def booking(folder: Path, kafka: str, database: str) -> Child:
    """Return the service booking, alone in its process."""
    Keyring.open(folder / "keys").make_all()
    environment = {
        "ANDAN_DATA": str(folder),
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database,
    }
    return Child("services", "booking", log=folder / "log.txt", environment=environment)


@asynccontextmanager
async def waiting(child: Child, words: str) -> AsyncIterator[None]:
    """Start a process that waits and says so; once what it waits for came, it becomes ready."""
    with ended(child):
        child.start()
        await said(child, words)
        await asyncio.sleep(2)
        assert child.runs, child.said[-2000:]
        yield
        await child.until_ready()
        assert not floods({"booking": child.said}), child.said[-2000:]
        assert child.terminate() == 0, child.said[-2000:]


@pytest.fixture
def later_kafka(tmp_path: Path) -> KafkaServer:
    """A Kafka that was there and will be, and is not now; all topics are made."""
    server = KafkaServer(tmp_path / "kafka")
    try:
        server.start()
    except NoKafka as error:
        unavailable(f"no Kafka that could come late: {error}")
    return server


@pytest.mark.timeout(300)
async def test_without_kafka_a_process_waits_and_starts_when_it_comes(
    tmp_path: Path, later_kafka: KafkaServer
) -> None:
    """Neither a traceback nor an end: it says that it waits for Kafka."""
    await asyncio.to_thread(prepare, later_kafka.bootstrap_servers, None)
    later_kafka.terminate()
    with postgres_of_its_own() as postgres:
        child = booking(tmp_path, later_kafka.bootstrap_servers, await postgres.create_database())
        try:
            async with waiting(child, "Kafka answers"):
                await asyncio.to_thread(later_kafka.start)
        finally:
            later_kafka.discard()


@pytest.mark.timeout(300)
async def test_without_a_database_a_process_waits_and_starts_when_it_comes(
    tmp_path: Path, later_kafka: KafkaServer
) -> None:
    """Refused, or told that the server is starting up: it says that it waits for PostgreSQL."""
    await asyncio.to_thread(prepare, later_kafka.bootstrap_servers, None)
    with postgres_of_its_own() as postgres:
        url = await postgres.create_database()
        postgres.stop(kill=True)
        child = booking(tmp_path, later_kafka.bootstrap_servers, url)
        try:
            async with waiting(child, "PostgreSQL answers"):
                await asyncio.to_thread(postgres.start)
        finally:
            later_kafka.discard()
