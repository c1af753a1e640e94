"""The one mechanism for later: rows of the `due` table, done in the order of their time."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.exc import DBAPIError

from shared.store.plumbing import due
from shared.store.store import Store
from shared.store.work import Work

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)

log = structlog.get_logger()


@dataclass(frozen=True)
class Due:
    """One thing to do: its `key` within its kind, when it was due, and what was noted for it."""

    kind: str
    key: str
    at: datetime
    attempts: int
    data: dict[str, Any]


Task = Callable[[Work, Due], Awaitable[None]]
"""Done in one unit of work together with the removal of its row."""

Job = Callable[[Store, Due], Awaitable[None]]
"""Done outside of any transaction (it may wait for a network); ends its row itself: `work.drop`."""


def in_one_work(task: Task) -> Job:
    """Return the job that removes its row and does `task` in the same transaction."""

    async def job(store: Store, row: Due) -> None:
        async with store.work() as work:
            if await work.affect(delete(due).where(_is(row))):
                await task(work, row)

    return job


class Scheduler:
    """Does what is due of the kinds it is given, `at_once` rows side by side.

    Rows are begun in the order of their time. What fails is tried again after 30 s, doubling up
    to an hour (domain time), for ever: a row that cannot be done stays visible as overdue. Only
    the leading process runs it.
    """

    def __init__(self, store: Store, jobs: Mapping[str, Job], *, at_once: int = 1) -> None:
        self._store = store
        self._jobs = jobs
        self._at_once = at_once
        self._alarm = store.alarm(jobs)
        self.done = 0
        self.failed = 0

    async def run(self) -> None:
        """Do what is due, and wait for what comes next, until cancelled."""
        while True:
            self._alarm.reset()
            try:
                if not await self.run_due():
                    self._alarm.waits_for = await self.next_at()
                    await self._wait(self._alarm.waits_for)
            except (DBAPIError, OSError, TimeoutError) as error:
                log.warning("scheduler.store_away", service=self._store.service, error=repr(error))
                await asyncio.sleep(1)

    async def run_due(self) -> int:
        """Do everything that is due by now and return how many rows that was."""
        count = 0
        while rows := await self._next():
            await asyncio.gather(*(self._do(row) for row in rows))
            count += len(rows)
        return count

    async def next_at(self) -> datetime | None:
        """Return when the next row is due, or None."""
        earliest = select(func.min(due.c.at, type_=due.c.at.type)).where(self._mine())
        async with self._store.read() as reader:
            at: datetime | None = await reader.scalar(earliest)
            return at

    def _mine(self) -> ColumnElement[bool]:
        return due.c.kind.in_(self._jobs)

    async def _wait(self, at: datetime | None) -> None:
        waits: set[asyncio.Task[Any]] = {asyncio.create_task(self._alarm.rung())}
        if at is not None:
            waits.add(asyncio.create_task(self._store.clock.reached(at)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        finally:
            for task in waits:
                task.cancel()

    async def _next(self) -> list[Due]:
        statement = (
            select(due)
            .where(due.c.at <= self._store.clock.now(), self._mine())
            .order_by(due.c.at, due.c.kind, due.c.key)
            .limit(self._at_once)
        )
        async with self._store.read() as reader:
            rows = (await reader.execute(statement)).all()
        return [Due(r.kind, r.key, r.at, r.attempts, json.loads(r.data)) for r in rows]

    async def _do(self, row: Due) -> None:
        try:
            await self._jobs[row.kind](self._store, row)
            self.done += 1
        except Exception as error:  # noqa: BLE001 -- whatever it was, it is tried again later
            self.failed += 1
            log.warning("due.failed", kind=row.kind, attempts=row.attempts + 1, error=repr(error))
            await self._put_off(row)

    async def _put_off(self, row: Due) -> None:
        pause = min(FIRST_RETRY * 2 ** min(row.attempts, 10), LONGEST_RETRY)
        async with self._store.work() as work:
            values = {"at": work.now + pause, "attempts": row.attempts + 1}
            await work.execute(update(due).where(_is(row)).values(values))


def _is(row: Due) -> ColumnElement[bool]:
    return and_(due.c.kind == row.kind, due.c.key == row.key, due.c.at == row.at)


def utc_day(at: datetime) -> str:
    """Return the UTC day of `at` as text, for rows that die by the day."""
    return at.astimezone(UTC).date().isoformat()
