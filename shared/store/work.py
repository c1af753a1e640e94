"""The unit of work: one transaction, and all that it publishes or puts off, committed together."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Delete, Update, bindparam, delete, insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlmodel import UTCDateTime

from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.ids import new_id, random_id
from shared.observability import tracing
from shared.observability.correlation import traceparent
from shared.store.hot import Hot
from shared.store.plumbing import due, outbox

if TYPE_CHECKING:
    from shared.store.store import Store

T = TypeVar("T")
R = TypeVar("R")

Reader = AsyncSession
"""A session on the query-only engine."""

_PUT_OFF = Hot(
    text(
        "INSERT INTO due (kind, key, at, attempts, data) VALUES (:kind, :key, :at, 0, :data)"
        " ON CONFLICT (kind, key) DO UPDATE"
        " SET at = excluded.at, attempts = 0, data = excluded.data"
    ).bindparams(bindparam("at", type_=UTCDateTime()))
)

_DROP = Hot(delete(due).where(due.c.kind == bindparam("kind"), due.c.key == bindparam("key")))
_TO_OUTBOX = Hot(insert(outbox), "message_id", "topic", "key", "headers", "body", "at")


class _Counting(Session):
    """A session that counts what it has written: a query in a handler writes what was added."""

    flushed = 0

    @property
    def written(self) -> int:
        """How much was added or deleted so far; asked before every message."""
        return self.flushed + len(self._new) + len(self._deleted)  # `new` would copy them

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what was added, changed and deleted."""
        self.flushed += len(self.new) + len(self.deleted)
        super().flush(objects)


class Work(AsyncSession):
    """A writing session that only its store commits.

    It begins at its first statement (on SQLite that takes the one writer), so that waiting for a
    request's body holds nothing. `now` is one instant for the whole unit.
    """

    sync_session_class = _Counting

    def __init__(self, store: "Store", cause: Envelope | None) -> None:
        super().__init__(store.engines.writer, expire_on_commit=False, autoflush=True)
        self.store = store
        self.cause = cause
        self.now = store.clock.now()
        self._outgoing: list[dict[str, Any]] = []
        self._put_off: list[tuple[str, datetime]] = []
        self._later: dict[tuple[str, str], dict[str, Any]] = {}
        self._held: list[object] = []
        self._driver: Any = None
        self.hot_changes = 0
        """How many hot statements have written."""
        self._turns: list[asyncio.Semaphore] = []
        self._beforehand: list[Callable[[], Awaitable[None]]] = []
        self._afterwards: list[Callable[[], None]] = []

    def need(self, kind: type[T]) -> T:
        """Return the tool of this class that the service was given."""
        return self.store.need(kind)

    @property
    def changes(self) -> int:
        """How much was added, deleted, written by hot statements or published so far."""
        written: int = self.sync_session.written  # type: ignore[attr-defined]  # it is _Counting
        return written + self.hot_changes + len(self._outgoing)

    def publish(self, message: Message, *, sequence: int | None = None) -> str:
        """Put `message` into this transaction's outbox and return its id.

        `sequence` is the revision of the aggregate it tells of: projections drop what is older
        than they know. Messages of one key reach consumers in the order of their commits.
        """
        envelope = Envelope(
            id=random_id() if message.unlinkable else new_id(),
            source=self.store.source,
            type=message.type,
            time=self.now,
            subject=message.subject(),
            dataschema=message.dataschema(),
            sequence=sequence,
            causationid=None if message.unlinkable or self.cause is None else self.cause.id,
            traceparent=None if message.unlinkable else traceparent.get(),
        )
        self.forward(
            message.topic,
            message_id=envelope.id,
            key=message.key().encode(),
            headers=envelope.to_headers(),
            body=message.body(),
        )
        return envelope.id

    def forward(
        self,
        topic: str,
        *,
        message_id: str,
        key: bytes | None,
        headers: Sequence[tuple[str, bytes]],
        body: bytes | None,
    ) -> None:
        """Put a message that is encoded already into this transaction's outbox."""
        self._outgoing.append(
            {
                "message_id": message_id,
                "topic": topic,
                "key": key,
                "headers": encode_headers(headers),
                "body": body,
                "at": datetime.now(UTC),
            }
        )

    async def later(
        self, kind: str, key: str, at: datetime, data: dict[str, Any] | None = None
    ) -> None:
        """Have the scheduler do `kind` for `key` at `at`; replaces what was put off before."""
        kept = tracing.remember(data or {}, is_late=at > self.now)
        values = {"kind": kind, "key": key, "at": at, "data": json.dumps(kept)}
        if self._later.get((kind, key)) == values:  # said in this unit already
            return
        await _PUT_OFF.execute(self, values)
        self._later[kind, key] = values
        self._put_off.append((kind, at))

    async def drop(self, kind: str, key: str) -> None:
        """Forget what was put off as `kind` for `key`, if anything was."""
        self._later.pop((kind, key), None)
        await _DROP.execute(self, {"kind": kind, "key": key})

    def hold(self, row: T) -> T:
        """Keep a row at hand until this unit is over: a session forgets what nobody holds."""
        self._held.append(row)
        return row

    async def affect(self, statement: Update | Delete) -> int:
        """Execute an update or a delete; return how many rows it was about."""
        result = await self.execute(statement)
        return int(result.rowcount)  # type: ignore[attr-defined]  # theirs is a cursor's

    async def take_turn(self, name: str) -> None:
        """Wait for one of the few turns at what is locked as `name`, until this unit is over.

        It comes before the first statement, which takes a connection. SQLite has one writer, who
        is waited for in order anyway.
        """
        if self.store.dialect == "postgresql":
            self._turns.append(await self.store.turns.wait(name))

    def _end_turns(self) -> None:
        while self._turns:
            self._turns.pop().release()

    async def driver(self) -> Any:
        """Return the bare driver's connection, inside this unit's transaction: for hot statements.

        On SQLite it is a LoopConnection, on PostgreSQL asyncpg's connection.
        """
        if self._driver is None:
            connection = await self.connection()
            raw: Any = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            if self.store.dialect == "postgresql" and not driver.is_in_transaction():
                # SQLAlchemy begins asyncpg's transaction only with its own first statement.
                await raw.dbapi_connection._start_transaction()  # noqa: SLF001 -- or a round trip more
            self._driver = driver
        return self._driver

    def before_commit(self, do: Callable[[], Awaitable[None]]) -> None:
        """Have `do` called once, when all else is done and this unit is about to be committed."""
        self._beforehand.append(do)

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Have `tell` called once this unit of work is committed (metrics; it must not fail)."""
        self._afterwards.append(tell)

    async def finish(self) -> None:
        """Commit, then wake whoever carries on: called by the store and the writing route alone.

        Both shield it: what is cancelled either committed as a whole or did nothing.
        """
        for do in self._beforehand:
            await do()
        if self._outgoing:
            if self.new or self.dirty or self.deleted:
                await (
                    self.flush()
                )  # rows are locked before their messages get a place in the outbox
            await _TO_OUTBOX.execute_many(self, self._outgoing)
        if self._outgoing or self._put_off:
            await self.store.announce(self, self._put_off)
        await self.run_sync(_commit_and_close)
        self._end_turns()
        if self._outgoing:
            self.store.outbox_filled.set()
        for kind, at in self._put_off:
            self.store.put_off(kind, at)
        for tell in self._afterwards:
            tell()

    async def abandon(self) -> None:
        """Roll back and give the connection back: called by whoever else would finish it."""
        self._outgoing = []
        try:
            await self.rollback()
            await self.close()
        finally:
            self._end_turns()


def _commit_and_close(session: Session) -> None:
    session.commit()
    session.close()


def encode_headers(headers: Sequence[tuple[str, bytes]]) -> str:
    """Return headers as JSON text; bytes that are not UTF-8 survive as lone surrogates."""
    return json.dumps([(name, value.decode("utf-8", "surrogateescape")) for name, value in headers])


def decode_headers(headers: str) -> list[tuple[str, bytes]]:
    """Return what `encode_headers` was given."""
    return [(name, value.encode("utf-8", "surrogateescape")) for name, value in json.loads(headers)]


async def shielded(work: Coroutine[Any, Any, R]) -> R:
    """Run `work` to its end though the caller is cancelled meanwhile; then be cancelled.

    A statement that is cut short costs PostgreSQL's driver its connection.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
