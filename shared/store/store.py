"""One service's database: its engines, its units of work, and who in it may act alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from sqlalchemy import MetaData, select, text, update

from shared.clock import Clock
from shared.contracts.envelope import Envelope
from shared.store.engines import Engines, open_engines
from shared.store.migrations import upgrade
from shared.store.plumbing import about
from shared.store.turns import Turns
from shared.store.work import Reader, Work, shielded

if TYPE_CHECKING:
    from shared.store.leader import Lease

T = TypeVar("T")

BORN_BEFORE = timedelta(hours=1)
"""How long before it is noticed that a store was made may have been, where the clock was ahead."""
_BORN_AT = about.c.name == "born_at"
_BORN = text("INSERT INTO about VALUES ('born_at', :at) ON CONFLICT DO NOTHING")
_SETTLED = text("INSERT INTO about VALUES ('settled', '') ON CONFLICT DO NOTHING")
_NOTIFY = text("SELECT pg_notify(:channel, :told)")


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
        self.turns = Turns()
        self._alarms: list[Alarm] = []
        self.is_leader = False
        self.lease: Lease | None = None
        """What proves that this process leads; None where nobody else could."""
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
            # Two processes may open a new store at once: the first of them says when.
            await work.execute(_BORN, {"at": work.now.isoformat()})
            born = await work.scalar(select(about.c.value).where(_BORN_AT))
            self.born_at = datetime.fromisoformat(str(born))
            if self.born_at > work.now:
                self.born_at = work.now - BORN_BEFORE
                values = {"value": self.born_at.isoformat()}
                await work.execute(update(about).where(_BORN_AT).values(values))

    def was_born_after(self, at: datetime) -> bool:
        """Say whether the store was made after that instant.

        A store that was made in the future was made by a clock that was set back since: what is
        told now would be passed over until it comes to that time again.
        """
        now = self.clock.now()
        if self.born_at > now:
            self.born_at = now - BORN_BEFORE
        return at < self.born_at

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
        """The name under which PostgreSQL tells the leading process what others have committed."""
        return f"andan_{self.service}"

    async def announce(self, work: Work, put_off: Iterable[tuple[str, datetime]] = ()) -> None:
        """Tell the process that leads (if it is another one) what this commit leaves for it.

        That is rows in the outbox, and what is `put_off`: of each kind the soonest.
        """
        if self.dialect == "postgresql" and not self.is_leader:
            soonest: dict[str, datetime] = {}
            for kind, at in put_off:
                soonest[kind] = min(at, soonest.get(kind, at))
            told = json.dumps({kind: at.isoformat() for kind, at in soonest.items()})
            await work.execute(_NOTIFY, {"channel": self.channel, "told": told})

    def heard(self, told: str) -> None:
        """Wake whoever carries on with what another process has announced."""
        self.outbox_filled.set()
        for kind, at in json.loads(told or "{}").items():
            self.put_off(kind, datetime.fromisoformat(at))


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
