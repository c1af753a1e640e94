"""Rebuilding reporting over the bus: another store, the same log, the same bytes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.reporting.app import PARTS, create_service
from services.reporting.queries import YearBook
from shared.clock import SystemClock
from shared.messaging.appender import OutboxRecord
from shared.messaging.broker import EmbeddedBus
from shared.observability.metrics import Metrics
from shared.quiet import until_quiet
from shared.service import Service
from shared.settings import ServiceSettings
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import running
from tests.reporting.counter import Record
from tests.reporting.logs import interleaved, invented
from tests.reporting.projection import dump, envelope


async def append(bus: EmbeddedBus, records: Sequence[Record]) -> None:
    """Put records on the bus as relays would."""
    appender = await bus.appender("test")
    await appender.append(
        [
            OutboxRecord(each.topic, each.key.encode(), each.body, envelope(each).to_headers())
            for each in records
        ]
    )


@pytest.mark.anyio
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_rebuilt_service_tells_the_same_bytes(
    make_url: MakeUrl, tmp_path: Path, dialect: str
) -> None:
    """A service in a group of its own reads the log from the beginning and tells the same."""
    records = interleaved(invented(17, size=4), 3)
    async with running(create_service, make_url, tmp_path, dialect=dialect) as lived:
        for start in range(0, len(records), 50):
            await append(lived.bus, records[start : start + 50])
            await lived.quiet()
        again = [replace(each, purpose=f"{each.purpose}-again") for each in PARTS.subscriptions]
        rebuilt = Service(
            replace(PARTS, subscriptions=again),
            settings=ServiceSettings.model_validate({"DATABASE_URL": await make_url(dialect)}),
            clock=SystemClock(),
            bus=lived.bus,
            inner_key=lived.inner_key,
            metrics=Metrics(with_process=False),
            provide=[YearBook()],
        )
        await lived.bus.declare([each.dead_letters for each in again])
        await rebuilt.start()
        try:
            await until_quiet([rebuilt.quiet])
            before = await dump(lived.service.store, YearBook())
            assert before.count(b"checked-in") > 5
            assert await dump(rebuilt.store, YearBook()) == before
        finally:
            await rebuilt.stop()
