"""Scrubbing: what was deleted leaves the store's files too, as far as a database can see to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import delete, text, update

from shared.store.plumbing import dead_letter, due, idempotency, outbox, waiting
from shared.store.scheduler import Due, Job
from shared.store.store import Store
from shared.store.work import Work

KIND: Final = "scrub"
LARGEST_REBUILT: Final = 64 << 20
"""A larger SQLite file is not rebuilt at once: that would stop its service for seconds."""
_PLUMBING = tuple(table.name for table in (outbox, waiting, dead_letter, due, idempotency))
_TRIES = 200
_PAUSE_SECONDS = 0.02


class StillRead(Exception):
    """Somebody reads what was there before, so that it cannot be written over yet"""


async def scrub_soon(work: Work) -> None:
    """Have the store scrubbed once this unit of work is committed."""
    await work.later(KIND, work.store.service, work.now)


def scrubs(*tables: str) -> Job:
    """Return the job that scrubs a store whose `tables`, and plumbing, have held persons.

    Who asks for it while it runs has it done once more: what they deleted may be left out of it.
    """
    named = ", ".join((*tables, *_PLUMBING))

    async def scrub(store: Store, row: Due) -> None:
        asked = (due.c.kind == row.kind, due.c.key == row.key)
        async with store.work() as work:
            await work.execute(update(due).where(*asked).values(attempts=row.attempts + 1))
        if store.dialect == "postgresql":
            await _vacuum(store, named)
        else:
            await _empty_journal(store)
        async with store.work() as work:  # `later` has set the attempts of a new wish to 0
            await work.execute(delete(due).where(*asked, due.c.attempts > row.attempts))

    return scrub


async def _vacuum(store: Store, tables: str) -> None:
    """Give the space of deleted rows back to their tables, to be written over."""
    async with store.engines.writer.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("SET statement_timeout = 0"))  # large tables take their time
        try:
            await connection.execute(text(f"VACUUM {tables}"))
        finally:
            await connection.execute(text("RESET statement_timeout"))


async def cut_journal(store: Store) -> None:
    """Cut a SQLite file's journal to nothing, unless somebody reads it at this moment.

    Pages of rows that were deleted lie in it until it is written over, which may take months.
    """
    if store.dialect == "sqlite":
        async with _patient(store) as sqlite:
            _is_cut(sqlite)


async def _empty_journal(store: Store) -> None:
    """Rebuild the file, since a page that was split keeps copies, and cut its journal to nothing.

    Raises StillRead where readers hold on to the journal for too long.
    """
    async with _patient(store) as sqlite:
        (pages,), (size,) = (
            sqlite.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size")
        )
        if pages * size <= LARGEST_REBUILT:
            sqlite.execute("VACUUM")
        for _ in range(_TRIES):
            if _is_cut(sqlite):
                return
            await asyncio.sleep(_PAUSE_SECONDS)
    raise StillRead("the journal is still read")


@asynccontextmanager
async def _patient(store: Store) -> AsyncIterator[Any]:
    """Give the writer's bare connection; it waits for no reader, who needs this same thread."""
    async with store.engines.writer.connect() as connection:
        raw = await connection.get_raw_connection()
        sqlite = raw.driver_connection.sqlite  # type: ignore[union-attr]  # it is a LoopConnection
        (patience,) = sqlite.execute("PRAGMA busy_timeout").fetchone()
        sqlite.execute("PRAGMA busy_timeout=0")
        try:
            yield sqlite
        finally:
            sqlite.execute(f"PRAGMA busy_timeout={patience}")


def _is_cut(sqlite: Any) -> bool:
    (is_busy, _, _) = sqlite.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy
