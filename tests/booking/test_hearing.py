"""What booking does about what it hears: organisations, and rooms for events."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from services.booking.models import Contact
from shared.contracts.booking import (
    BookingCancelled,
    BookingConfirmed,
    BookingContact,
    BookingContactGiven,
    BookingNoShow,
    BookingRejected,
)
from shared.contracts.directory import (
    OrganisationChanged,
    OrganisationDissolved,
    OrganisationRegistered,
)
from shared.contracts.events import EventCancelled, RoomReleased, RoomRequested
from shared.contracts.words import OrganisationKind
from shared.store.plumbing import outbox
from tests.booking.scene import OURS, Scene, at

pytestmark = pytest.mark.anyio

EVENT = "event-1"


def wants(room: str, starts_at: datetime, ends_at: datetime, **said: Any) -> RoomRequested:
    """Return an event's wish for a room."""
    values = {"event_id": EVENT, "people": 50, **said}
    return RoomRequested(room_id=room, starts_at=starts_at, ends_at=ends_at, **values)


async def hear(here: Scene, *messages: Any, sequence: int | None = None) -> None:
    """Hear messages and be done with them."""
    await here.it.hear(*messages, sequence=sequence)
    await here.it.quiet()


async def test_an_organisation_books_as_soon_as_it_is_registered(here: Scene) -> None:
    """A booking that overtakes the news of its organisation waits for it and is confirmed."""
    room = await here.room()
    early = asyncio.create_task(here.book(room, at(7, 17), organisation_id="new"))
    await asyncio.sleep(0.1)
    assert not early.done()
    registered = OrganisationRegistered(
        organisation_id="new", kind=OrganisationKind.ASSOCIATION, listed=False
    )
    await here.it.hear(registered, sequence=1)
    assert (await early).status_code == 201


async def test_only_known_organisations_book(here: Scene) -> None:
    """One that was not heard of is refused until it is, and again once it is dissolved."""
    room = await here.room()
    described: dict[str, Any] = {
        "organisation_id": "new",
        "kind": OrganisationKind.ASSOCIATION,
        "listed": False,
    }
    refused = await here.book(room, at(7, 17), organisation_id="new")
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/unknown-organisation"
    await hear(here, OrganisationRegistered(**described), sequence=1)
    await hear(here, OrganisationChanged(**described), sequence=2)
    assert (await here.book(room, at(7, 17), organisation_id="new")).status_code == 201
    gone = OrganisationDissolved(organisation_id="new", dissolved_on=at(6, 12).date())
    await hear(here, gone, sequence=3)
    await hear(here, OrganisationChanged(**described), sequence=2)
    assert (await here.book(room, at(8, 17), organisation_id="new")).status_code == 422


async def test_an_event_gets_its_room(here: Scene) -> None:
    """The answer is a confirmed booking for the event, caused by the wish; no no-show follows."""
    room = await here.room()
    [wish] = await here.it.hear(wants(room, at(7, 11), at(7, 13), organisation_id="unheard"))
    await here.it.quiet()
    [confirmed] = await here.it.published(BookingConfirmed)
    assert (confirmed.for_.kind, confirmed.for_.id) == ("event", EVENT)
    assert (confirmed.room_id, confirmed.expected_people) == (room, 50)
    assert (await here.it.told())[-1][0].causationid == wish
    shown = (await here.client.get(f"/v1/bookings/{confirmed.booking_id}")).json()
    assert shown["for"] == {"kind": "event", "id": EVENT}
    assert (await here.book(room, at(7, 12))).status_code == 409
    await here.move_clock(at(7, 14))
    assert await here.it.published(BookingNoShow) == []


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, "room-taken"),
        ({"room_id": "nowhere"}, "room-unknown"),
        ({"people": 71}, "too-many-people"),
        ({"starts_at": at(1, 7), "ends_at": at(1, 9)}, "past"),
        ({"starts_at": at(7, 21), "ends_at": at(7, 22)}, "closed"),
        ({"starts_at": at(7, 13), "ends_at": at(7, 11)}, "other"),
    ],
)
async def test_an_event_that_cannot_have_the_room_is_told_why(
    sqlite_here: Scene, said: dict[str, Any], reason: str
) -> None:
    """The answer is a rejection with its reason; nothing is parked, nothing is held."""
    here = sqlite_here
    room = await here.room(opens_at="08:00", closes_at="22:00")
    await here.booked(room, at(7, 12), at(7, 14))
    wish = wants(room, at(7, 11), at(7, 13)).model_copy(update=said)
    await hear(here, wish)
    [rejected] = await here.it.published(BookingRejected)
    assert (rejected.reason, rejected.for_.id) == (reason, EVENT)
    spans = [(each.starts_at, each.ends_at) for each in rejected.conflicts]
    assert spans == ([(at(7, 12), at(7, 14))] if reason == "room-taken" else [])
    assert len(await here.it.published(BookingConfirmed)) == 1
    assert all(each.counts["parked"] == 0 for each in here.it.service.consumers)


async def test_an_event_that_moves_within_its_room_is_not_in_its_own_way(here: Scene) -> None:
    """Its old booking gives way in the same transaction; asked again alike, nothing happens."""
    room = await here.room()
    await hear(here, wants(room, at(7, 11), at(7, 13)))
    await hear(here, wants(room, at(7, 12), at(7, 14)))
    await hear(here, wants(room, at(7, 12), at(7, 14)))
    first, second = await here.it.published(BookingConfirmed)
    [cancelled] = await here.it.published(BookingCancelled)
    assert (cancelled.booking_id, cancelled.reason) == (first.booking_id, "released")
    released = RoomReleased(event_id=EVENT, booking_id=first.booking_id)
    await hear(here, released)
    assert await here.status({"id": second.booking_id}) == "confirmed"


async def test_a_room_is_given_back(here: Scene) -> None:
    """Released: that booking alone, and only of that event. Cancelled: all of the event's."""
    one, two = await here.room(), await here.room(name="Köket")
    await hear(here, wants(one, at(7, 11), at(7, 13)), wants(two, at(7, 11), at(7, 13)))
    first, second = await here.it.published(BookingConfirmed)
    foreign = RoomReleased(event_id="event-2", booking_id=first.booking_id)
    await hear(here, foreign, RoomReleased(event_id=EVENT, booking_id=first.booking_id))
    assert await here.status({"id": first.booking_id}) == "cancelled"
    assert await here.status({"id": second.booking_id}) == "confirmed"
    await hear(here, EventCancelled(event_id=EVENT, year=2023))
    told = await here.it.published(BookingCancelled)
    assert [(each.booking_id, each.reason) for each in told] == [
        (first.booking_id, "released"),
        (second.booking_id, "event-cancelled"),
    ]
    assert (await here.book(two, at(7, 11))).status_code == 201


async def test_a_contact_travels_sealed_before_the_confirmation(here: Scene) -> None:
    """Notifications alone can open it; no message, answer or column elsewhere shows the address."""
    room = await here.room()
    contact = {"name": "Alex Ek", "email": "alex@example.org", "language": "sv"}
    booking = await here.booked(room, at(7, 17), contact=contact)
    assert "contact" not in booking
    messages = [message for _, message in await here.it.told()][-2:]
    assert [type(each) for each in messages] == [BookingContactGiven, BookingConfirmed]
    [given] = await here.it.published(BookingContactGiven)
    opened = here.it.keyring.opener().open(given.sealed)
    assert BookingContact.model_validate_json(opened) == BookingContact(
        **contact, purpose="Styrelsemöte"
    )
    async with here.it.service.store.read() as reader:
        [kept] = (await reader.scalars(select(Contact))).all()
        bodies = (await reader.scalars(select(outbox.c.body))).all()
    assert (kept.booking_id, kept.email) == (booking["id"], "alex@example.org")
    told = b"".join(bodies).lower()
    assert not any(word in told for word in (b"alex@", b"alex ek", b"styrelse"))


async def test_a_booking_without_contact_tells_of_none(here: Scene) -> None:
    """Nothing sealed is published where nobody is to be told."""
    await here.booked(await here.room(), at(7, 17), organisation_id=OURS)
    assert await here.it.published(BookingContactGiven) == []
