"""Engines: one held writer and many readers on SQLite, one pool on PostgreSQL."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import asyncpg
from sqlalchemy import URL, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.store.loop_sqlite import LoopConnection, connect

WAIT_FOR_WRITER_SECONDS = 30
"""How long a unit of work waits for its turn before it gives up."""

CONNECT_SECONDS = 5
SILENCE_SECONDS = 35
"""So long a connection to PostgreSQL may say nothing; the server itself ends statements at 30."""

_POSTGRES_LIMITS = {
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
}


class StoreUnusable(Exception):
    """The store cannot be used"""


@dataclass(frozen=True)
class Engines:
    """The engine that writes and the engine that reads (of one pool on PostgreSQL)."""

    dialect: Literal["sqlite", "postgresql"]
    writer: AsyncEngine
    reader: AsyncEngine

    async def dispose(self) -> None:
        """Close all connections."""
        await self.writer.dispose()
        if self.reader is not self.writer:
            await self.reader.dispose()


def open_engines(url: str, *, durable: bool, pool_size: int = 16) -> Engines:
    """Return the engines for `url` (`sqlite:///path` or `postgresql://…`).

    `durable=False` lets SQLite lose the last commits at a power loss: for stores that can be
    rebuilt. Raises StoreUnusable where the file or its folder cannot be written.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, durable=durable)
    return _postgresql(parsed, pool_size)


def _sqlite(url: URL, *, durable: bool) -> Engines:
    path = Path(url.database or "")
    _make_sure_it_can_be_written(path)
    pragmas: dict[str, str | int] = {
        "journal_mode": "WAL",
        "wal_autocheckpoint": 8000,
        "busy_timeout": 5000,
        "foreign_keys": 1,
        "secure_delete": 1,
        "synchronous": "FULL" if durable else "NORMAL",
        "cache_size": -8000,
        "temp_store": "MEMORY",
    }

    async def writer_connection(*_: Any, **__: Any) -> LoopConnection:
        return connect(str(path), pragmas)

    async def reader_connection(*_: Any, **__: Any) -> LoopConnection:
        return connect(str(path), {**pragmas, "query_only": 1, "wal_autocheckpoint": 0})

    # The pool of one is the first-in-first-out lock of the writer.
    writer = create_async_engine(
        "sqlite+aiosqlite:///writer",
        async_creator=writer_connection,
        pool_size=1,
        max_overflow=0,
        pool_timeout=WAIT_FOR_WRITER_SECONDS,
        hide_parameters=True,
    )
    reader = create_async_engine(
        "sqlite+aiosqlite:///reader",
        async_creator=reader_connection,
        pool_size=4,
        max_overflow=12,
        hide_parameters=True,
    )
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    event.listen(reader.sync_engine, "begin", _begin)
    return Engines("sqlite", writer, reader)


def _begin_immediate(connection: Any) -> None:
    connection.connection.driver_connection.sqlite.execute("BEGIN IMMEDIATE")


def _begin(connection: Any) -> None:
    connection.connection.driver_connection.sqlite.execute("BEGIN")


def _make_sure_it_can_be_written(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = sqlite3.connect(path)
        try:
            probe.execute("BEGIN IMMEDIATE")
            probe.execute("CREATE TABLE IF NOT EXISTS probe (x)")
            probe.execute("ROLLBACK")
        finally:
            probe.close()
    except (OSError, sqlite3.Error) as error:
        raise StoreUnusable(f"the store {path} cannot be written: {error}") from error


def _postgresql(url: URL, pool_size: int) -> Engines:
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=WAIT_FOR_WRITER_SECONDS,
        hide_parameters=True,
        connect_args={
            "server_settings": _POSTGRES_LIMITS,
            "timeout": CONNECT_SECONDS,
            "command_timeout": SILENCE_SECONDS,
            "async_creator_fn": _connected,
        },
    )
    event.listen(engine.sync_engine, "checkin", _end_what_is_unfinished)
    # Whoever only reads begins nothing: each statement sees what is committed, as it would anyway.
    return Engines("postgresql", engine, engine.execution_options(isolation_level="AUTOCOMMIT"))


def _end_what_is_unfinished(connection: Any, record: Any) -> None:
    """Throw away a connection that comes back to the pool in the middle of a transaction.

    One that was cancelled while it began or ended is unknown to SQLAlchemy. Whoever got such a
    connection next would write inside the old transaction, and their commit would keep nothing.
    """
    if connection is None:
        return
    driver = connection.driver_connection
    if driver.is_in_transaction() or driver._top_xact is not None:  # noqa: SLF001 -- or begins one
        record.invalidate()


async def _connected(*told: Any, **options: Any) -> "asyncpg.Connection[Any]":
    """Return a connection; a server that does not answer in time is told as one that is away."""
    try:
        return await asyncpg.connect(*told, **options)
    except TimeoutError as error:
        raise ConnectionAbortedError("the database does not answer") from error
