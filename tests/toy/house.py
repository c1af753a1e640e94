"""A house of the two toy services on either bus and either database."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from shared.clock import Clock, SystemClock
from shared.messaging.broker import Bus, EmbeddedBus, KafkaBus
from shared.messaging.embedded.log import EmbeddedLog
from shared.messaging.subscription import Subscription
from shared.observability.metrics import Metrics
from shared.quiet import until_quiet
from shared.security.inner import InnerKey
from shared.service import Parts, Service
from shared.settings import ServiceSettings
from shared.store import Store
from tests.toy.contracts import topics
from tests.toy.ledger.service import Entry, Weather, parts
from tests.toy.lender.service import PARTS, Shelf, TakePlace, take_place

INNER_KEY = InnerKey(b"a key for tests, thirty-two bytes!")


@dataclass
class House:
    """The lender and the ledger, running."""

    lender: Service
    ledger: Service
    weather: Weather
    bus: Bus

    async def lend(self, *moods: str, shelf: str = "s", name: str = "nobody") -> list[str]:
        """Take a place for each mood, in order, a unit of work each; return the loans."""
        return [await lend(self.lender.store, mood, shelf, name) for mood in moods]

    async def quiet(self, seconds: float = 30) -> None:
        """Wait until nothing is left to do."""
        await until_quiet([self.lender.quiet, self.ledger.quiet], seconds=seconds)

    async def lines(self) -> list[Entry]:
        """Return what the ledger wrote, in order."""
        async with self.ledger.store.read() as reader:
            return list((await reader.scalars(select(Entry).order_by(Entry.seq))).all())  # type: ignore[arg-type]  # a column


async def lend(store: Store, mood: str, shelf: str = "s", name: str = "nobody") -> str:
    """Take one place."""
    async with store.work() as work:
        loan = await take_place(work, shelf, TakePlace(mood=mood, name=name))
        return loan.id


def make_bus(kind: str, folder: Path) -> Bus:
    """Return the embedded bus in `folder`, or one on the Kafka at the addresses `kind`.

    Topics have a replica on each of the servers, and one of them may be away.
    """
    if kind == "embedded":
        return EmbeddedBus(EmbeddedLog(folder / "log.sqlite"))
    servers = len(kind.split(","))
    return KafkaBus(kind, replicas=servers, min_insync=max(1, servers - 1))


def make_service(
    parts: Parts, url: str, bus: Bus, clock: Clock, *tools: object, **told: object
) -> Service:
    """Return one toy service on the database at `url`, told these settings."""
    settings = ServiceSettings.model_validate(
        {"DATABASE_URL": url, "source": "https://toy.example", **told}
    )
    return Service(
        parts,
        settings=settings,
        clock=clock,
        bus=bus,
        inner_key=INNER_KEY,
        metrics=Metrics(with_process=False),
        provide=tools,
    )


@asynccontextmanager
async def house(
    bus: Bus,
    hears: Subscription,
    lender_url: str,
    ledger_url: str,
    *,
    clock: Clock | None = None,
) -> AsyncIterator[House]:
    """Start both services with one shelf `s` of 10,000 places; stop them at the end."""
    clock = clock or SystemClock()
    weather = Weather()
    await bus.start()
    lender = make_service(PARTS, lender_url, bus, clock)
    ledger = make_service(parts(hears), ledger_url, bus, clock, weather)
    await bus.declare([*topics(), hears.dead_letters])
    await asyncio.gather(lender.start(), ledger.start())
    async with lender.store.work() as work:
        if await work.get(Shelf, "s") is None:
            work.add(Shelf(id="s", capacity=10_000, taken=0))
    try:
        yield House(lender, ledger, weather, bus)
    finally:
        await asyncio.gather(lender.stop(), ledger.stop())
        await bus.stop()


def unique(word: str) -> str:
    """Return a name that no other test uses."""
    return f"{word}-{secrets.token_hex(4)}"
