"""A ledger is told again at every start, and nothing is done before it was heard."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import delete

from shared import service as service_module
from shared.clock import SystemClock
from shared.messaging.broker import Bus
from shared.messaging.subscription import Subscription
from shared.service import Service
from shared.store.plumbing import inbox
from shared.testing.fixtures import MakeUrl
from tests.plumbing.test_messages import BUSES
from tests.toy.contracts import use_topics_of_their_own
from tests.toy.house import House, house, make_bus, make_service, unique
from tests.toy.ledger.service import Entry, Weather, parts, subscription

pytestmark = pytest.mark.anyio


@dataclass
class Place:
    """A bus and two databases, on which the toys can be started more than once."""

    kind: str
    folder: Path
    urls: list[str]
    hears: Subscription

    def bus(self) -> Bus:
        """Return the bus, not yet started."""
        return make_bus(self.kind, self.folder)


@pytest.fixture(params=BUSES)
async def place(request: pytest.FixtureRequest, tmp_path: Path, make_url: MakeUrl) -> Place:
    """Give a place on either bus, to a subscription that is a ledger."""
    embedded = request.param == "embedded"
    kind = "embedded" if embedded else request.getfixturevalue("kafka_bootstrap")
    dialect = "sqlite" if embedded else "postgresql"
    use_topics_of_their_own(unique("t"))
    hears = subscription(unique("lines"))
    hears.is_ledger = True
    return Place(kind, tmp_path, [await make_url(dialect), await make_url(dialect)], hears)


async def until_ready(service: Service) -> None:
    """Wait until a service says that it is ready."""
    transport = httpx2.ASGITransport(app=service.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://toy") as client:
        async with asyncio.timeout(40):
            while (await client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.02)


async def go_back(both: House) -> None:
    """Make the ledger's store what it was before anything was heard."""
    async with both.ledger.store.work() as work:
        await work.execute(delete(Entry))
        await work.execute(inbox.delete())


async def test_an_older_store_is_as_it_should_be_once_ready(place: Place) -> None:
    """What a store had heard and has forgotten is there again when it is ready, each thing once."""
    async with house(place.bus(), place.hears, *place.urls) as both:
        loans = await both.lend(*["good"] * 20)
        await both.quiet()
        await go_back(both)
    async with house(place.bus(), place.hears, *place.urls) as both:
        await until_ready(both.ledger)
        assert [line.loan_id for line in await both.lines()] == loans
    async with house(place.bus(), place.hears, *place.urls) as both:
        await until_ready(both.ledger)
        assert len(await both.lines()) == 20


async def test_any_other_subscription_goes_on_where_it_was(place: Place) -> None:
    """One that is no ledger is not told again: the mechanism is asked for."""
    place.hears.is_ledger = False
    async with house(place.bus(), place.hears, *place.urls) as both:
        await both.lend("good")
        await both.quiet()
        await go_back(both)
    async with house(place.bus(), place.hears, *place.urls) as both:
        await until_ready(both.ledger)
        await both.quiet()
        assert await both.lines() == []


async def test_nothing_is_done_before_the_ledger_was_heard(place: Place) -> None:
    """While a message of the ledger cannot be handled, nothing is sent, and it is not ready."""
    async with house(place.bus(), place.hears, *place.urls) as both:
        await both.lend("stormy")
        await both.quiet()
        await go_back(both)
    storm = Weather()
    storm.storm = True
    bus = place.bus()
    await bus.start()
    service = make_service(parts(place.hears), place.urls[1], bus, SystemClock(), storm)
    await service.start()
    try:
        await asyncio.sleep(1)
        assert "ledger" in (await service.quiet()).reasons
        assert not service.store.is_leader
        storm.storm = False
        await until_ready(service)
        async with asyncio.timeout(10):
            while not service.store.is_leader:
                await asyncio.sleep(0.02)
    finally:
        await service.stop()
        await bus.stop()


@pytest.mark.parametrize("place", BUSES[1:], indirect=True)
async def test_a_second_process_starts_beside_the_first(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that a living process keeps cannot be rewound: the second one goes on without."""
    monkeypatch.setattr(service_module, "LEDGER_PAUSE", 0.02)
    async with house(place.bus(), place.hears, *place.urls) as both:
        await both.lend("good")
        await both.quiet()
        bus = place.bus()
        await bus.start()
        second = make_service(parts(place.hears), place.urls[1], bus, SystemClock(), Weather())
        await second.start()
        try:
            await until_ready(second)
            await both.lend("good")
            await both.quiet()
            assert len(await both.lines()) == 2
        finally:
            await second.stop()
            await bus.stop()
