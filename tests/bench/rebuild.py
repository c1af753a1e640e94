"""How fast reporting tells a year anew: messages a second through the inbox into its facts."""

import asyncio
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from services.reporting.app import create_service
from shared.clock import SystemClock
from shared.contracts.topics import TOPICS
from shared.ids import new_id
from shared.messaging.appender import Appender, OutboxRecord
from shared.messaging.broker import EmbeddedBus
from shared.messaging.embedded.log import EmbeddedLog
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.settings import ServiceSettings
from tests.bench.results import Result
from tests.reporting.counter import Record
from tests.reporting.logs import invented
from tests.reporting.projection import envelope

MESSAGES = 20_000


async def measure() -> list[Result]:
    """Fill a log, start reporting on a new store, and time it until nothing is unread."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bus = EmbeddedBus(EmbeddedLog(folder / "log.sqlite"))
        await bus.start()
        settings = ServiceSettings.model_validate({"data": folder, "source": "https://b.example"})
        service = create_service(
            settings,
            SystemClock(),
            bus,
            Keyring.open(folder / "keys"),
            Metrics(with_process=False),
        )
        dead = [each.dead_letters for each in service.parts.subscriptions]
        await bus.declare([*TOPICS.values(), *dead])
        appender = await bus.appender("bench")
        count = await _fill(appender)
        began = time.perf_counter()
        await service.start()
        while not (await service.quiet()).is_quiet:
            await asyncio.sleep(0.02)
        seconds = time.perf_counter() - began
        await service.stop()
        await bus.stop()
    return [Result("reporting rebuilds", count / seconds, "messages/s", 5_000.0, "sqlite")]


async def _fill(appender: Appender) -> int:
    records: list[Record] = []
    seed = 0
    while len(records) < MESSAGES:
        records += invented(seed, size=20)
        seed += 1
    rows = [
        OutboxRecord(each.topic, each.key.encode(), each.body, envelope(each).to_headers())
        for each in (replace(each, id=new_id()) for each in records[:MESSAGES])
    ]
    for at in range(0, len(rows), 500):
        await appender.append(rows[at : at + 500])
    return len(rows)
