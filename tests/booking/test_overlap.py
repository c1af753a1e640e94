"""No two bookings ever share a cell: against a naive model, in a rush, and past the rules."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlmodel import col

from services.booking.handlers import bookings
from services.booking.handlers.bookings import (
    Book,
    CancelBooking,
    MoveBooking,
    book,
    cancel_booking,
    move_booking,
)
from services.booking.handlers.places import NOBODY
from services.booking.handlers.rooms import (
    KnowOrganisation,
    OpenRoom,
    OpenVenue,
    know_organisation,
    open_room,
    open_venue,
)
from services.booking.models import Occupancy, Room, RoomCell
from services.booking.rules import RoomTaken, WrongState
from shared.clock import ReplayClock
from shared.contracts.booking import BookingConfirmed, BookingMoved
from shared.observability.metrics import Metrics
from shared.store import Store
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.booking.scene import OURS, Scene, at
from tests.conftest import Rounds

MIGRATIONS = Path(bookings.__file__).parent.parent / "migrations"
MIDNIGHT = datetime(2023, 3, 25, tzinfo=UTC)
"""The night after next the clock is set forward."""
QUARTER = timedelta(minutes=15)

PLACES = st.tuples(st.integers(0, 300), st.integers(1, 120))
STEPS = st.one_of(
    st.tuples(st.just("book"), PLACES),
    st.tuples(st.just("move"), st.integers(0, 20), PLACES),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("buffer"), st.sampled_from([0, 15, 30, 120])),
)


@dataclass
class Claim:
    """A booking as the model sees it, in quarters of an hour."""

    starts_at: int
    ends_at: int
    buffer: int
    open: bool = True

    def clashes(self, other: "Claim") -> bool:
        gap = max(self.buffer, other.buffer) // 15
        return self.starts_at < other.ends_at + gap and other.starts_at < self.ends_at + gap


@dataclass
class Model:
    """One room, naively: every claim is compared with every other."""

    buffer: int = 0
    claims: dict[str, Claim] = field(default_factory=dict)

    def has_room_for(self, claim: Claim, but: str = "") -> bool:
        others = (other for name, other in self.claims.items() if name != but and other.open)
        return not any(claim.clashes(other) for other in others)


@pytest.fixture(params=DIALECTS)
def world(
    request: pytest.FixtureRequest, make_url: MakeUrl
) -> Iterator[tuple[asyncio.Runner, Store, str]]:
    """Open a store with a venue, on a loop of its own."""
    with asyncio.Runner() as runner:

        async def made() -> tuple[Store, str]:
            store = Store(
                await make_url(request.param),
                service="booking",
                source="https://test.example",
                clock=ReplayClock(MIDNIGHT),
                migrations=MIGRATIONS,
            )
            store.provide(Metrics(with_process=False))
            await store.open()
            async with store.work() as work:
                await know_organisation(work, KnowOrganisation(OURS, 1))
                venue = await open_venue(work, OpenVenue("Nobel 21", "Europe/Stockholm"))
            return store, venue.id

        store, venue_id = runner.run(made())
        yield runner, store, venue_id
        runner.run(store.close())


def test_bookings_are_what_a_naive_model_says(
    world: tuple[asyncio.Runner, Store, str],
) -> None:
    """Whatever is booked, moved and cancelled, over midnight, days and a clock change."""
    runner, store, venue_id = world

    @given(st.lists(STEPS, min_size=1, max_size=25))
    def play(steps: list[Any]) -> None:
        runner.run(live(store, venue_id, steps))

    play()


async def live(store: Store, venue_id: str, steps: list[Any]) -> None:
    """Do the steps in a new room, and compare after each."""
    async with store.work() as work:
        wish = OpenRoom(venue_id, "Salen", 70, [], "00:00", "24:00", 0, needs_approval=False)
        room, _ = await open_room(work, wish)
    model = Model()
    for step in steps:
        await take(store, room.id, model, step)
    async with store.read() as reader:
        cells = select(col(RoomCell.cell_id)).where(col(RoomCell.room_id) == room.id)
        held = (
            await reader.scalars(select(Occupancy).where(col(Occupancy.cell_id).in_(cells)))
        ).all()
    assert {each.booking_id for each in held} == {
        name for name, claim in model.claims.items() if claim.open
    }
    for one, other in combinations(held, 2):
        assert one.ends_at <= other.starts_at or other.ends_at <= one.starts_at


async def take(store: Store, room_id: str, model: Model, step: Any) -> None:
    """Do one step on both; they agree on whether it can be had."""
    names = list(model.claims)
    match step:
        case ("buffer", minutes):
            model.buffer = minutes
            async with store.work() as work:
                changed = update(Room).where(col(Room.id) == room_id)
                await work.execute(changed.values(buffer_minutes=minutes))
        case ("book", (begin, length)):
            claim = Claim(begin, begin + length, model.buffer)
            span = instants(claim)
            made = await tried(store, lambda work: book(work, Book(room_id, OURS, None, *span, 20)))
            assert (made is not None) == model.has_room_for(claim)
            if made is not None:
                model.claims[made[0].id] = claim
        case ("move", index, (begin, length)) if names:
            name = names[index % len(names)]
            old = model.claims[name]
            claim = Claim(begin, begin + length, old.buffer)
            command = MoveBooking(name, None, *instants(claim), NOBODY)
            made = await tried(store, lambda work: move_booking(work, command))
            assert (made is not None) == (old.open and model.has_room_for(claim, but=name))
            if made is not None:
                model.claims[name] = claim
        case ("cancel", index) if names:
            name = names[index % len(names)]
            cancel = CancelBooking(name, "withdrawn", NOBODY)
            made = await tried(store, lambda work: cancel_booking(work, cancel))
            assert (made is not None) == model.claims[name].open
            model.claims[name].open = False


def instants(claim: Claim) -> tuple[datetime, datetime]:
    return MIDNIGHT + claim.starts_at * QUARTER, MIDNIGHT + claim.ends_at * QUARTER


async def tried(store: Store, act: Any) -> Any:
    """Do it in a unit of work; None where it is refused."""
    try:
        async with store.work() as work:
            return await act(work)
    except (RoomTaken, WrongState):
        return None


@pytest.mark.anyio
async def test_one_of_fifty_gets_the_room(here: Scene, rounds: Rounds) -> None:
    """Fifty at once ask for one room and hour: one 201, 49 refusals, one message."""
    for number in range(rounds(sample=3, whole=100)):
        room = await here.room(name=f"Rum {number}")
        answers = await asyncio.gather(*(here.book(room, at(7, 17)) for _ in range(50)))
        assert sorted(each.status_code for each in answers) == [201] + [409] * 49
        confirmed = await here.it.published(BookingConfirmed)
        assert len([each for each in confirmed if each.room_id == room]) == 1


@pytest.mark.anyio
async def test_one_of_many_movers_gets_the_room(here: Scene, rounds: Rounds) -> None:
    """Bookings of two rooms that cross over at once into each other's rooms never overlap."""
    for number in range(rounds(sample=2, whole=100)):
        rooms = [await here.room(name=f"Rum {number}{side}") for side in "ab"]
        made = [await here.booked(rooms[n % 2], at(7, 8 + n)) for n in (0, 1, 2, 3)]
        target = {"starts_at": at(9, 17).isoformat(), "ends_at": at(9, 19).isoformat()}
        answers = await asyncio.gather(
            *(
                here.client.patch(
                    f"/v1/bookings/{each['id']}", json={**target, "room_id": rooms[(n + 1) % 2]}
                )
                for n, each in enumerate(made)
            )
        )
        assert sorted(each.status_code for each in answers) == [200, 200, 409, 409]
        moved = [each.room_id for each in await here.it.published(BookingMoved)]
        assert sorted(each for each in moved if each in rooms) == sorted(rooms)


@pytest.mark.anyio
async def test_the_database_itself_refuses(here: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the rules overlook a booking, the guard does not, and it is the same refusal."""
    room = await here.room(buffer_minutes=15)
    booking = await here.booked(room, at(7, 17), at(7, 19))
    later = await here.booked(room, at(8, 17), at(8, 19))

    async def blind(*_: Any, **__: Any) -> list[Any]:
        return []

    monkeypatch.setattr(bookings, "obstacles", blind)
    for begin, end in [(at(7, 18), at(7, 20)), (at(7, 16), at(7, 18)), (at(7, 19, 10), at(7, 20))]:
        refused = await here.book(room, begin, end)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/room-taken")
    moved = {"starts_at": at(7, 18).isoformat(), "ends_at": at(7, 20).isoformat()}
    refused = await here.client.patch(f"/v1/bookings/{later['id']}", json=moved)
    assert refused.status_code == 409
    assert (await here.client.get(f"/v1/bookings/{later['id']}")).json() == later
    assert (await here.book(room, at(7, 19, 15), at(7, 20))).status_code == 201
    assert await here.status(booking) == "confirmed"


@pytest.mark.anyio
async def test_rooms_that_share_a_cell_are_taken_together(here: Scene) -> None:
    """{a,b} blocks {a} and {b} and is blocked by either; {a} and {b} go together."""
    first, second, both = [await here.room(name=name) for name in ("a", "b", "ab")]
    async with here.it.service.store.work() as work:
        of_rooms = select(RoomCell).where(col(RoomCell.room_id).in_([first, second]))
        for each in (await work.scalars(of_rooms)).all():
            work.add(RoomCell(room_id=both, cell_id=each.cell_id))
    assert (await here.book(first, at(7, 17))).status_code == 201
    assert (await here.book(second, at(7, 17))).status_code == 201
    refused = await here.book(both, at(7, 18))
    assert (refused.status_code, len(refused.json()["conflicts"])) == (409, 2)
    assert (await here.book(both, at(8, 17))).status_code == 201
    assert (await here.book(first, at(8, 18))).status_code == 409
    assert (await here.book(second, at(8, 16))).status_code == 409
