"""Who in a store may act alone: one process at a time relays and runs what is due."""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg

from shared.store.store import Store

PROVE_EVERY_SECONDS = 1.0
PROOF_SECONDS = 3.0
"""How long a leader takes it that it leads, since it last asked and was answered."""
SILENCE_SECONDS = 5.0
"""After how long without a question of the leader's another process ends its connection."""
_RETRY_SECONDS = 1.0
_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)

_END_A_SILENT_LEADER = """
    SELECT pid, pg_terminate_backend(pid) AS ended, clock_timestamp() - state_change AS silent
    FROM pg_stat_activity JOIN pg_locks USING (pid)
    WHERE locktype = 'advisory' AND granted AND database = (
            SELECT oid FROM pg_database WHERE pg_database.datname = current_database()
        )
        AND (classid::bigint << 32 | objid::bigint) = $1 AND objsubid = 1
        AND state_change < clock_timestamp() - make_interval(secs => $2)
"""

log = logging.getLogger(__name__)


class Lease:
    """What a leader holds: the lock of a connection, and when it last saw that it still stands.

    The lock is held for as long as its connection is; so an answer on that connection proves that
    nobody else has led meanwhile. A process that was stopped for a while (SIGSTOP, a machine that
    sleeps) has no proof when it goes on, and asks before it acts.
    """

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self.lost = asyncio.Event()
        self._connection = connection
        self._asking = asyncio.Lock()
        self._proven_at = _now()

    def is_proven(self) -> bool:
        """Say whether the last proof is young enough to act on."""
        return not self.lost.is_set() and _now() - self._proven_at < PROOF_SECONDS

    async def still_holds(self) -> bool:
        """Ask PostgreSQL, unless it was asked just now; False is for good."""
        return self.is_proven() or await self._prove()

    async def keep(self) -> None:
        """Prove it every second until it is lost."""
        while True:
            if not await self._prove():
                return
            await asyncio.sleep(PROVE_EVERY_SECONDS)

    def end(self) -> None:
        """Know that it is lost."""
        self.lost.set()

    async def _prove(self) -> bool:
        async with self._asking:
            asked_at = _now()
            try:
                await self._connection.fetchval("SELECT 1", timeout=PROOF_SECONDS)
            except _AWAY:
                self.end()
            else:
                self._proven_at = asked_at
            return not self.lost.is_set()


class Leadership:
    """On PostgreSQL an advisory lock of a connection of its own; on SQLite the file's one owner.

    A leader that ends, in whatever way, lets go of its lock with its connection. One that is
    stopped does not: whoever wants to lead ends the connection of a leader that has been silent
    for `SILENCE_SECONDS`, and leads.
    """

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
        connection, lease = await self._take()
        keeping = asyncio.create_task(lease.keep())
        self._store.lease = lease
        self._store.is_leader = True
        try:
            yield lease.lost
        finally:
            self._store.is_leader = False
            lease.end()
            keeping.cancel()
            connection.terminate()

    async def _take(self) -> "tuple[asyncpg.Connection[Any], Lease]":
        connection: asyncpg.Connection[Any] | None = None
        try:
            while True:
                try:
                    connection = connection or await asyncpg.connect(_dsn(self._store), timeout=5)
                    if await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock):
                        lease = Lease(connection)
                        connection.add_termination_listener(partial(_tell, lease))
                        await connection.add_listener(self._store.channel, self._heard)
                        taken, connection = connection, None
                        return taken, lease
                    if await self._end_a_silent_leader(connection):
                        continue
                except _AWAY as error:
                    log.warning("cannot ask who leads %s: %s", self._store.service, error)
                    if connection is not None:
                        connection.terminate()
                        connection = None
                await asyncio.sleep(_RETRY_SECONDS)
        finally:
            if connection is not None:
                connection.terminate()

    async def _end_a_silent_leader(self, connection: "asyncpg.Connection[Any]") -> bool:
        ended = await connection.fetchrow(_END_A_SILENT_LEADER, self._lock, SILENCE_SECONDS)
        if ended is None:
            return False
        log.warning(
            "the leader of %s was silent for %.1f s: its connection was ended",
            self._store.service,
            ended["silent"].total_seconds(),
        )
        await asyncio.sleep(0.05)
        return True

    def _heard(self, _: Any, __: int, ___: str, told: Any) -> None:
        self._store.heard(str(told))


def _now() -> float:
    # Goes on while the process is stopped, and while the machine sleeps.
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _tell(lease: Lease, _: Any) -> None:
    lease.end()


def _dsn(store: Store) -> str:
    url = store.engines.writer.url.set(drivername="postgresql")
    return url.render_as_string(hide_password=False)
