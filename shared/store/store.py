"""One service's database: its engines, its units of work, and who in it may act alone."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import MetaData, insert, select, text

from shared.clock import Clock
from shared.contracts.envelope import Envelope
from shared.store.engines import Engines, open_engines
from shared.store.migrations import upgrade
from shared.store.plumbing import about
from shared.store.work import Reader, Work, shielded

T = TypeVar("T")

_SETTLED = text("INSERT INTO about VALUES ('settled', '') ON CONFLICT DO NOTHING")
_NOTIFY = text("SELECT pg_notify(:channel, '')")


class Alarm:
    """Wakes a scheduler when something is put off to a time before the one it waits for."""

    def __init__(self, kinds: frozenset[str]) -> None:
        self._kinds = kinds
        self._rung = asyncio.Event()
        self.waits_for: datetime | None = None
        """The next time that is known; None lets everything ring."""

    def ring(self, kind: str, at: datetime) -> None:
        """Wake the scheduler if this concerns it."""
        if kind in self._kinds and (self.waits_for is None or at < self.waits_for):
            self._rung.set()

    def reset(self) -> None:
        """Listen anew, to everything."""
        self._rung.clear()
        self.waits_for = None

    async def rung(self) -> None:
        """Wait until it rings."""
        await self._rung.wait()


class Store:
    """The database of `service`, opened by whoever runs the service."""

    def __init__(
        self,
        url: str,
        *,
        service: str,
        source: str,
        clock: Clock,
        migrations: Path,
        durable: bool = True,
        pool_size: int = 16,
    ) -> None:
        self.service = service
        self.source = source
        self.clock = clock
        self.engines: Engines = open_engines(url, durable=durable, pool_size=pool_size)
        self.outbox_filled = asyncio.Event()
        self._alarms: list[Alarm] = []
        self.is_leader = False
        self._provided: dict[type, Any] = {}
        self.born_at: datetime = clock.now()
        self._migrations = migrations

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which database this is."""
        return self.engines.dialect

    def provide(self, *tools: object) -> None:
        """Give the handlers of this service a tool, found by its class with `need`."""
        self._provided.update({type(tool): tool for tool in tools})

    def need(self, kind: type[T]) -> T:
        """Return the tool of this class that the service was given."""
        tool: T = self._provided[kind]
        return tool

    async def open(self, *, migrate: bool = True) -> None:
        """Bring the tables up to date (when `migrate`) and learn when the store was first made."""
        if migrate:
            await upgrade(self.engines, self._migrations)
        async with self.work() as work:
            born = await work.scalar(select(about.c.value).where(about.c.name == "born_at"))
            if born is None:
                born = work.now.isoformat()
                await work.execute(insert(about).values(name="born_at", value=born))
        self.born_at = datetime.fromisoformat(born)

    async def is_new(self) -> bool:
        """Say whether the store still waits for what a new one needs: see `settle`."""
        async with self.read() as reader:
            settled = select(about.c.value).where(about.c.name == "settled")
            return await reader.scalar(settled) is None

    async def settle(self) -> None:
        """Remember that the service has done what a new store needs; it is new no longer."""
        async with self.work() as work:
            await work.execute(_SETTLED)

    async def close(self) -> None:
        """Give all connections back."""
        await self.engines.dispose()

    def begin(self, cause: Envelope | None = None) -> Work:
        """Return a new unit of work for callers that end it themselves (`finish` or `abandon`)."""
        return Work(self, cause)

    @asynccontextmanager
    async def work(self, *, cause: Envelope | None = None) -> AsyncIterator[Work]:
        """Open a unit of work; it is committed at the end, or rolled back by an exception."""
        work = self.begin(cause)
        try:
            yield work
            await shielded(work.finish())
        except BaseException:
            await shielded(work.abandon())
            raise

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Reader]:
        """Open a session on the query-only engine; on SQLite it never waits for the writer."""
        async with Reader(self.engines.reader, expire_on_commit=False) as reader:
            yield reader

    def alarm(self, kinds: Iterable[str]) -> "Alarm":
        """Return a new alarm that rings when a commit has put off something of these kinds."""
        alarm = Alarm(frozenset(kinds))
        self._alarms.append(alarm)
        return alarm

    def put_off(self, kind: str, at: datetime) -> None:
        """Let whoever waits for something later than `at` look again: it was put off."""
        for alarm in self._alarms:
            alarm.ring(kind, at)

    @property
    def channel(self) -> str:
        """The name under which PostgreSQL tells other processes of new outbox rows."""
        return f"andan_{self.service}"

    async def announce(self, work: Work) -> None:
        """Tell the process that relays (if it is another one) that this commit fills the outbox."""
        if self.dialect == "postgresql" and not self.is_leader:
            await work.execute(_NOTIFY, {"channel": self.channel})


def table_metadata() -> MetaData:
    """Return fresh metadata for the tables of one service."""
    return MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
