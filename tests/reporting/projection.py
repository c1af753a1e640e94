"""Playing a log into reporting's own consumer, and dumping everything that it then tells."""

import json
import random
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from services.reporting.app import PARTS
from services.reporting.messages import figures
from services.reporting.queries import YearBook
from services.reporting.rules import YearTold, withhold
from services.reporting.schemas import Report
from shared.clock import SystemClock
from shared.contracts.envelope import Envelope
from shared.ids import new_id
from shared.messaging.consumer import Consumer
from shared.messaging.received import Received
from shared.observability.metrics import Metrics
from shared.store import Store
from tests.reporting.counter import Record
from tests.reporting.logs import YEARS, batches

TOLD = (YEARS[0] - 1, *YEARS, YEARS[-1] + 1)


def envelope(record: Record) -> Envelope:
    """Return the envelope that a record travels in."""
    return Envelope(
        id=record.id,
        source="https://test.example",
        type=record.type,
        time=record.time,
        subject=record.subject,
        sequence=record.sequence,
    )


def received(record: Record) -> Received:
    """Return a record as the bus hands it over."""
    around = envelope(record)
    key = record.key.encode()
    return Received(record.topic, key, around.to_headers(), record.body, record.id, around)


class Projection:
    """Reporting's consumer on a store of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.consumer = Consumer(figures, store)
        self.book = YearBook()

    async def hear(self, records: Sequence[Record], *, seed: int = 0) -> None:
        """Take the records in batches of drawn sizes, as the bus would hand them over."""
        draw = random.Random(seed)
        for batch in batches(records, lambda: draw.choice((1, 7, 200))):
            await self.consumer.take([received(record) for record in batch])
        assert self.consumer.counts["parked"] == 0

    async def forget(self) -> None:
        """Empty the store, as if it were new."""
        async with self.store.work() as work:
            connection = await work.connection()
            for table in ("inbox", "fact", "quote", "closed_year", "published_figure"):
                await connection.exec_driver_sql(f"DELETE FROM {table}")
        self.book = YearBook()

    async def year(self, year: int) -> YearTold:
        """Return what the projection tells of a year."""
        async with self.store.read() as reader:
            return await self.book.of(reader, year)

    async def told(self) -> dict[tuple[int, str, str | None], tuple[str, list[str]]]:
        """Return value and message ids of every figure of every year there is."""
        return {
            (year, *place): (figure.value, [each.message_id for each in figure.messages])
            for year in TOLD
            for place, figure in (await self.year(year)).figures.items()
        }

    async def numbers(self) -> dict[tuple[int, str, str | None], int | None]:
        """Return how many each figure of every year rests on, where that is told."""
        return {
            (year, *place): figure.n
            for year in TOLD
            for place, figure in (await self.year(year)).figures.items()
        }

    async def dump(self) -> bytes:
        """Return everything told, as bytes."""
        return await dump(self.store, self.book)


async def dump(store: Store, book: YearBook) -> bytes:
    """Return all figures with their provenance, and all reports, as bytes."""
    lines: list[object] = []
    for year in TOLD:
        async with store.read() as reader:
            shown = (await book.known(reader, year)).shown
        for figure in shown.told.figures.values():
            messages = [
                [each.message_id, each.type, each.at.isoformat()] for each in figure.messages
            ]
            as_of = figure.as_of.isoformat() if figure.as_of else None
            lines.append([year, figure.key, figure.event_id, figure.value, as_of, messages])
        lines.append([year, Report.of(shown).model_dump(mode="json")])
    return json.dumps(lines, ensure_ascii=False).encode()


def as_published(counted: dict[tuple[str, str | None], Any]) -> dict[tuple[str, str | None], Any]:
    """Return counted figures with what must be withheld of the table of sectors withheld."""
    sectors = counted["participants_by_sector", None]
    unstated = max(0, int(counted["participants", None]) - sum(sectors.values()))
    return {**counted, ("participants_by_sector", None): withhold(sectors, unstated)}


class Projections:
    """Makes stores by copying one whose tables exist: a hundred rebuilds in a test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._empty: Path | None = None

    @asynccontextmanager
    async def new(self) -> AsyncIterator[Projection]:
        """Open a projection on an empty store."""
        if self._empty is None:
            empty = self._folder / "empty.sqlite"
            store = _store(empty)
            await store.open()
            await store.close()
            self._empty = empty
        path = self._folder / f"{new_id()}.sqlite"
        shutil.copy(self._empty, path)
        store = _store(path)
        await store.open(migrate=False)
        try:
            yield Projection(store)
        finally:
            await store.close()
            for file in self._folder.glob(f"{path.name}*"):
                file.unlink()


def _store(path: Path) -> Store:
    store = Store(
        f"sqlite:///{path}",
        service="reporting",
        source="https://test.example",
        clock=SystemClock(),
        migrations=PARTS.migrations,
        durable=False,
    )
    store.provide(Metrics(with_process=False))
    return store
