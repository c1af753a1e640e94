"""The one mechanism for later: rows of the `due` table, done in the order of their time."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.exc import DBAPIError

from shared.ending import end
from shared.observability import tracing
from shared.store.away import lost_a_conflict
from shared.store.plumbing import due
from shared.store.store import Store
from shared.store.work import Work

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)
GIVE_WAY_SECONDS = 0.02
"""How often a row is begun, one at a time, by a scheduler that gives way."""
ATTEMPTS = 4
"""How often a transaction is begun, at once, that is ended for another's sake."""
AHEAD = 4
"""How many times more rows are read than are done side by side; one by one, each is read alone."""

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

Doing = dict[tuple[str, str], asyncio.Task[None]]
"""What is being done, by kind and key."""

Job = Callable[[Store, Due], Awaitable[None]]
"""Done outside of any transaction (it may wait for a network); ends its row itself: `work.drop`."""


def in_one_work(task: Task) -> Job:
    """Return the job that removes its row and does `task` in the same transaction.

    On PostgreSQL that may wait for a handler that waits for it; the one that the database ends is
    done again.
    """

    async def once(store: Store, row: Due) -> None:
        async with store.work() as work:
            if await work.affect(delete(due).where(_is(row))):
                await task(work, row)

    async def job(store: Store, row: Due) -> None:
        for left in reversed(range(ATTEMPTS)):
            try:
                await once(store, row)
            except DBAPIError as error:
                if not left or not lost_a_conflict(error):
                    raise
            else:
                return

    return job


class Scheduler:
    """Does what is due of the kinds it is given, `at_once` rows side by side.

    Rows are begun in the order of their time. What fails is tried again after 30 s, doubling up
    to an hour (domain time), for ever: a row that cannot be done stays visible as overdue. Only
    the leading process runs it. While it `gives_way` it begins one row now and then, alone.
    """

    def __init__(
        self,
        store: Store,
        jobs: Mapping[str, Job],
        *,
        at_once: int = 1,
        gives_way: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._at_once = at_once
        self._gives_way = gives_way
        self._gave_way_at = 0.0
        self._alarm = store.alarm(jobs)
        self._page = at_once * AHEAD if at_once > 1 else 1
        self._ahead: deque[Due] = deque()
        """What was read and is not begun; a row that is changed meanwhile is nothing to its job."""
        self.done = 0
        self.failed = 0

    async def run(self) -> None:
        """Do what is due, and wait for what comes next, until cancelled.

        What takes long holds up nothing else as long as there is a place beside it.
        """
        doing: Doing = {}
        self._ahead.clear()
        try:
            while True:
                self._alarm.reset()
                try:
                    places = self._places()
                    next_at = await self._begin(doing, places)
                    await self._wait(doing, places, next_at)
                    _end(doing)
                except (DBAPIError, OSError, TimeoutError) as error:
                    log.warning(
                        "scheduler.store_away", service=self._store.service, error=repr(error)
                    )
                    await asyncio.sleep(1)
        finally:
            await end(doing.values())

    async def run_due(self) -> int:
        """Do everything that is due by now and return how many rows that was."""
        before, doing = self.done + self.failed, Doing()
        while True:
            await self._begin(doing, self._at_once)
            if not doing:
                return self.done + self.failed - before
            await asyncio.wait(doing.values(), return_when=asyncio.FIRST_COMPLETED)
            _end(doing)

    async def next_at(self) -> datetime | None:
        """Return when the next row is due, or None."""
        return next((row.at for row in await self._rows(1)), None)

    def _places(self) -> int:
        now = asyncio.get_running_loop().time()
        if not self._gives_way():
            return self._at_once
        if now - self._gave_way_at < GIVE_WAY_SECONDS:
            return 0
        self._gave_way_at = now
        return 1

    async def _begin(self, doing: Doing, places: int) -> datetime | None:
        """Begin what is due, as far as there are places; where one stays free, return what is next.

        That is when more is due, or None.
        """
        now, are_more = self._store.clock.now(), True
        while len(doing) < places:
            if not self._ahead:
                if not are_more:
                    return None
                rows = await self._rows(self._page + len(doing))
                self._ahead.extend(row for row in rows if (row.kind, row.key) not in doing)
                are_more = len(rows) == self._page + len(doing)
                continue
            row = self._ahead.popleft()
            if row.at > now:
                self._ahead.clear()
                return row.at
            if (row.kind, row.key) not in doing:
                doing[row.kind, row.key] = asyncio.create_task(self._do(row))
        return None

    async def _wait(self, doing: Doing, places: int, next_at: datetime | None) -> None:
        """Wait until something is done, until more is due, or until there may be more places."""
        waits: set[asyncio.Task[Any]] = {asyncio.create_task(self._alarm.rung())}
        try:
            if len(doing) < places:
                self._alarm.waits_for = next_at
                if next_at is not None:
                    waits.add(asyncio.create_task(self._store.clock.reached(next_at)))
            await asyncio.wait(
                {*waits, *doing.values()},
                return_when=asyncio.FIRST_COMPLETED,
                timeout=60 if places == self._at_once else GIVE_WAY_SECONDS,
            )
        finally:
            for task in waits:
                task.cancel()

    async def _rows(self, count: int) -> list[Due]:
        """Return the first rows, in the order of their time."""
        statement = (
            select(due)
            .where(due.c.kind.in_(self._jobs))
            .order_by(due.c.at, due.c.kind, due.c.key)
            .limit(count)
        )
        async with self._store.read() as reader:
            rows = (await reader.execute(statement)).all()
        return [Due(r.kind, r.key, r.at, r.attempts, json.loads(r.data)) for r in rows]

    async def _do(self, row: Due) -> None:
        try:
            with tracing.job(self._store.service, row.kind, row.data):
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


def _end(doing: Doing) -> None:
    """Let go of what is done; raise what it raised."""
    for row in [row for row, task in doing.items() if task.done()]:
        doing.pop(row).result()


def _is(row: Due) -> ColumnElement[bool]:
    return and_(due.c.kind == row.kind, due.c.key == row.key, due.c.at == row.at)


def utc_day(at: datetime) -> str:
    """Return the UTC day of `at` as text, for rows that die by the day."""
    return at.astimezone(UTC).date().isoformat()
