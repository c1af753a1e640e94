"""One service alone on a bus and a database that are given, inside of a test."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from services.topology import DOMAIN
from shared.clock import Clock, SystemClock
from shared.contracts.envelope import Envelope
from shared.contracts.every import CONTRACTS
from shared.contracts.message import Message
from shared.contracts.topics import TOPICS, Topic
from shared.ids import new_id
from shared.messaging.appender import OutboxRecord
from shared.messaging.broker import Bus, EmbeddedBus, KafkaBus
from shared.messaging.subscription import Subscription
from shared.observability.metrics import Metrics
from shared.quiet import until_quiet
from shared.security.keyring import Keyring
from shared.service import Service
from shared.testing.running import Running

SOURCE = "https://test.example"


@asynccontextmanager
async def alone(
    name: str, bus: Bus, folder: Path, url: str, *, clock: Clock | None = None, **options: Any
) -> AsyncIterator[Running]:
    """Start a service on a started bus and on a store that may have been used before."""
    assert CONTRACTS  # importing it fills the registry that messages are decoded by
    create, settings_class = DOMAIN[name]
    keyring = Keyring.open(folder / "keys")
    values = {"data": folder, "DATABASE_URL": url, "source": SOURCE, **options}
    service = create(
        settings_class.model_validate(values),
        clock or SystemClock(),
        bus,
        keyring,
        Metrics(with_process=False),
    )
    await service.start()
    try:
        yield Running(service, cast(EmbeddedBus, bus), keyring, keyring.inner_key())
    finally:
        await service.stop()


def topics_of(names: Iterable[str]) -> list[Topic]:
    """Return every topic, with the dead-letter topics of these services."""
    return [*TOPICS.values(), *(each.dead_letters for each in subscriptions_of(names))]


def subscriptions_of(names: Iterable[str]) -> list[Subscription]:
    """Return the subscriptions of these services as they are declared."""
    modules = [import_module(f"services.{name}.app") for name in names]
    return [each for module in modules for each in module.PARTS.subscriptions]


@asynccontextmanager
async def kafka(bootstrap_servers: str, names: Iterable[str]) -> AsyncIterator[KafkaBus]:
    """Connect to Kafka and make the topics."""
    bus = KafkaBus(bootstrap_servers)
    await bus.start()
    try:
        await bus.declare(topics_of(names))
        yield bus
    finally:
        await bus.stop()


def record_of(
    message: Message, *, at: datetime | None = None, sequence: int | None = None
) -> OutboxRecord:
    """Return the record that a message becomes when another service publishes it."""
    envelope = Envelope(
        id=new_id(),
        source=SOURCE,
        type=message.type,
        time=at or datetime.now(UTC),
        subject=message.subject(),
        dataschema=message.dataschema(),
        sequence=sequence,
    )
    key, headers = message.key().encode(), envelope.to_headers()
    return OutboxRecord(message.topic, key, message.body(), headers)


async def append(bus: Bus, records: Iterable[OutboxRecord]) -> None:
    """Write records as some relay would."""
    appender = await bus.appender("test")
    try:
        rows = list(records)
        for start in range(0, len(rows), 200):
            await appender.append(rows[start : start + 200])
    finally:
        await appender.close()


async def until_heard(service: Service, seconds: float = 60) -> None:
    """Wait until a service has nothing left to do."""
    await until_quiet([service.quiet], seconds=seconds)
