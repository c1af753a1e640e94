"""Away for longer than the tombstones live: a withdrawn quote does not stay in the report."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import TopicPartition

from services.reporting.app import PARTS
from services.reporting.handlers import UNTOLD
from shared.contracts.surveys import QuoteApproved, QuoteWithdrawn
from shared.contracts.topics import topic
from shared.messaging.broker import Bus, EmbeddedBus
from shared.messaging.embedded.log import EmbeddedLog
from shared.security.principal import PUBLIC
from shared.store import Store
from shared.store.scheduler import Due
from shared.testing.fixtures import MakeUrl
from shared.testing.running import Running
from tests.conftest import Rounds
from tests.failures.alone import alone, append, kafka, record_of, topics_of, until_heard
from tests.failures.checkers import agree
from tests.failures.clocks import SteppedClock
from tests.failures.effects import quotes_as_told
from tests.failures.own_kafka import own_kafka
from tests.failures.record import note
from tests.reporting.said import quoted

__all__ = ["own_kafka"]

pytestmark = [pytest.mark.anyio, pytest.mark.failures]

PARTITIONS = topic(QuoteApproved.topic).partitions
QUOTES = 12
AWAY = timedelta(days=15)
WORDS = "Ett ord om en morgon"
SHORT = {
    "cleanup.policy": "compact",  # what is not named here is as if nobody had set it
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "100",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "500",
}


class Told:
    """Quotes as surveys would tell them, some of which are withdrawn while reporting is away."""

    def __init__(self, seed: int) -> None:
        chosen = random.Random(seed)
        self.names = [f"quote-{seed}-{number}" for number in range(QUOTES)]
        self.withdrawn = set(chosen.sample(self.names, chosen.randint(1, QUOTES - 1)))

    @property
    def standing(self) -> set[str]:
        """The quotes that may be read in the end."""
        return set(self.names) - self.withdrawn


async def live_and_be_away(bus: Bus, folder: Path, url: str, told: Told) -> None:
    """Let reporting hear every quote, and withdraw some once it is gone."""
    async with alone("reporting", bus, folder, url) as it:
        await append(bus, (record_of(quoted(name, WORDS)) for name in told.names))
        await until_heard(it.service)
        assert set(told.names) <= set(await shown(it))
    await append(bus, (record_of(QuoteWithdrawn(quote_id=name)) for name in told.withdrawn))


async def come_back(bus: Bus, folder: Path, url: str) -> list[str]:
    """Start reporting on its old store, weeks later; return the quotes that it then tells."""
    clock = SteppedClock()
    clock.step(AWAY)
    async with alone("reporting", bus, folder, url, clock=clock) as it:
        await until_heard(it.service)
        return await shown(it)


async def shown(it: Running) -> list[str]:
    """Return the quotes of the report."""
    async with it.client(PUBLIC) as client:
        report = (await client.get("/v1/years/2023/report")).raise_for_status().json()
        names = [str(quote["quote_id"]) for quote in report["quotes"]]
        return [name for name in names if not name.startswith("last")]


async def forget_on_kafka(servers: str, told: Told) -> None:
    """Have Kafka compact the topic until nothing is left of the withdrawn quotes."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        named = ConfigResource(ConfigResourceType.TOPIC, QuoteApproved.topic, SHORT)
        await admin.alter_configs([named])
    finally:
        await admin.close()
    async with asyncio.timeout(90):
        while told.withdrawn & await keys_on_kafka(servers):
            await asyncio.sleep(0.5)


async def keys_on_kafka(servers: str) -> set[str]:
    """Write one more quote into each partition, so that segments end; return every key there is."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=servers)
    await consumer.start()
    await producer.start()
    try:
        parts = [TopicPartition(QuoteApproved.topic, number) for number in range(PARTITIONS)]
        for part in parts:
            topic, key, value, headers = record_of(quoted(f"last-{part.partition}", WORDS))
            await producer.send_and_wait(
                topic, value, key=key, headers=headers, partition=part.partition
            )
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        keys: set[str] = set()
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                keys |= {each.key.decode() for each in records}
        return keys
    finally:
        await producer.stop()
        await consumer.stop()


async def forget_in_the_log(bus: EmbeddedBus, told: Told) -> None:
    """Have the embedded log compacted as after weeks; its last record is never looked at."""
    await append(bus, [record_of(quoted("last", WORDS))])
    for days in (2, 14, 30):
        bus.log.clean(time.time() + timedelta(days=days).total_seconds())
    log = bus.log.topic(QuoteApproved.topic)
    left = {str(each.key, "utf-8") for each in bus.log.read(log, log.begin, 1000) if each.key}
    assert not told.withdrawn & left


@asynccontextmanager
async def embedded(path: Path) -> AsyncIterator[EmbeddedBus]:
    """Open the embedded bus."""
    bus = EmbeddedBus(EmbeddedLog(path))
    await bus.start()
    try:
        await bus.declare(topics_of(["reporting"]))
        yield bus
    finally:
        await bus.stop()


@pytest.mark.timeout(3600)
async def test_on_the_embedded_log_a_missed_withdrawal_counts(
    tmp_path: Path, make_url: MakeUrl, rounds: Rounds, seed: int
) -> None:
    """Whoever was away while quote and tombstone were compacted away shows what still stands."""
    began, trials, wrong = monotonic(), rounds(sample=3, whole=100), list[str]()
    for number in range(trials):
        folder, url, told = tmp_path / str(number), await make_url("sqlite"), Told(seed + number)
        async with embedded(folder / "log.sqlite") as bus:
            await live_and_be_away(bus, folder, url, told)
            await forget_in_the_log(bus, told)
            wrong += quotes_as_told(told.standing, await come_back(bus, folder, url))
    note(
        "tombstones missed (embedded log)",
        trials,
        checks={"I12": trials, "I20": trials},
        violations=wrong,
        seed=seed,
        seconds=monotonic() - began,
    )
    agree(seed, wrong)


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_on_kafka_a_missed_withdrawal_counts(
    tmp_path: Path, make_url: MakeUrl, own_kafka: str, rounds: Rounds, seed: int
) -> None:
    """The same with Kafka's own compaction, its times made short, and PostgreSQL."""
    began, trials, wrong = monotonic(), rounds(sample=1, whole=10), list[str]()
    standing: set[str] = set()
    async with kafka(own_kafka, ["reporting"]) as bus:
        for number in range(trials):
            url, told = await make_url("postgresql"), Told(seed + number)
            standing |= told.standing
            await live_and_be_away(bus, tmp_path, url, told)
            await forget_on_kafka(own_kafka, told)
            wrong += quotes_as_told(standing, await come_back(bus, tmp_path, url))
    note(
        "tombstones missed (Kafka, PostgreSQL)",
        trials,
        checks={"I12": trials, "I20": trials},
        violations=wrong,
        seed=seed,
        seconds=monotonic() - began,
    )
    agree(seed, wrong)


async def test_without_the_comparison_it_is_found(
    tmp_path: Path, make_url: MakeUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: a reporting that never compares keeps the withdrawn quotes, and the checker sees."""

    async def never(store: Store, due: Due) -> None:
        async with store.work() as work:
            await work.drop(due.kind, due.key)

    assert PARTS.jobs is not None
    monkeypatch.setitem(PARTS.jobs, UNTOLD, never)
    url, told = await make_url("sqlite"), Told(1)
    async with embedded(tmp_path / "log.sqlite") as bus:
        await live_and_be_away(bus, tmp_path, url, told)
        await forget_in_the_log(bus, told)
        wrong = quotes_as_told(told.standing, await come_back(bus, tmp_path, url))
    assert wrong == [f"withdrawn: {name} is still told" for name in sorted(told.withdrawn)]


async def test_a_bus_that_never_held_quotes_takes_none_away(
    tmp_path: Path, make_url: MakeUrl
) -> None:
    """A log that was begun anew says nothing about the quotes of a store from before."""
    url, told = await make_url("sqlite"), Told(2)
    async with embedded(tmp_path / "log.sqlite") as bus:
        await live_and_be_away(bus, tmp_path, url, told)
    async with embedded(tmp_path / "another.sqlite") as bus:
        assert sorted(await come_back(bus, tmp_path, url)) == sorted(told.names)
