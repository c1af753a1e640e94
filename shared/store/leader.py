"""Who in a store may act alone: one process at a time relays and runs what is due."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg

from shared.store.store import Store

_RETRY_SECONDS = 1.0
_PROBE_SECONDS = 2.0

log = logging.getLogger(__name__)


class Leadership:
    """On PostgreSQL an advisory lock of a connection of its own; on SQLite the file's one owner."""

    def __init__(self, store: Store) -> None:
        self._store = store
        digest = hashlib.sha256(store.service.encode()).digest()
        self._lock = int.from_bytes(digest[:8], "big", signed=True)

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[asyncio.Event]:
        """Wait until this process leads; the event it yields is set when it no longer does."""
        if self._store.dialect == "sqlite":
            self._store.is_leader = True
            try:
                yield asyncio.Event()
            finally:
                self._store.is_leader = False
            return
        connection, lost, probe = await self._take()
        self._store.is_leader = True
        try:
            yield lost
        finally:
            self._store.is_leader = False
            probe.cancel()
            connection.terminate()

    async def _take(self) -> "tuple[asyncpg.Connection[Any], asyncio.Event, asyncio.Task[None]]":
        while True:
            connection = None
            try:
                connection = await asyncpg.connect(_dsn(self._store), timeout=5)
                if await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock):
                    lost = asyncio.Event()
                    connection.add_termination_listener(partial(_tell, lost))
                    await connection.add_listener(self._store.channel, self._outbox_filled)
                    return connection, lost, asyncio.create_task(_probe(connection, lost))
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("cannot ask who leads %s: %s", self._store.service, error)
            if connection is not None:
                connection.terminate()
            await asyncio.sleep(_RETRY_SECONDS)

    def _outbox_filled(self, *_: Any) -> None:
        self._store.outbox_filled.set()


async def _probe(connection: "asyncpg.Connection[Any]", lost: asyncio.Event) -> None:
    while not lost.is_set():
        await asyncio.sleep(_PROBE_SECONDS)
        try:
            await connection.fetchval("SELECT 1", timeout=5)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            lost.set()


def _tell(lost: asyncio.Event, _: Any) -> None:
    lost.set()


def _dsn(store: Store) -> str:
    url = store.engines.writer.url.set(drivername="postgresql")
    return url.render_as_string(hide_password=False)
