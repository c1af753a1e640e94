"""Events and bookings that change: everybody concerned is told once, and calendars follow."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from services.notifications.handlers import moves
from shared.contracts.booking import (
    BookingCancelled,
    BookingConfirmed,
    BookingMoved,
    BookingRequested,
)
from shared.contracts.events import (
    EventChanged,
    EventContactGiven,
    EventRescheduled,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationWaitlisted,
)
from shared.contracts.events.event import EventCancelled, EventDescription
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.notifications.scene import (
    EVENT,
    NOON,
    Scene,
    booking,
    calendar_of,
    event,
    fact,
    room,
    scene,
    text_of,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=DIALECTS)
async def it(
    request: pytest.FixtureRequest, make_url: MakeUrl, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Run notifications on either database."""
    async with scene(make_url, tmp_path, dialect=request.param) as running:
        yield running


def moved(day: int = 12) -> EventDescription:
    """Return the event on another day of May."""
    return event(
        EventRescheduled,
        starts_at=datetime(2023, 5, day, 11, tzinfo=UTC),
        ends_at=datetime(2023, 5, day, 13, tzinfo=UTC),
        place="Stadsbiblioteket",
        previous_starts_at=datetime(2023, 5, 11, 7, tzinfo=UTC),
        previous_ends_at=datetime(2023, 5, 11, 10, tzinfo=UTC),
    )


def contact_of(it: Scene, registration: str) -> EventContactGiven:
    """Return the contact of a registration at an address of its own."""
    return it.contact(registration, email=f"{registration}@example.org", language="en")


def entries(it: Scene) -> list[tuple[str, str, str, int]]:
    """Return whom the calendar files went to, with method, UID and SEQUENCE."""
    found = []
    for mail in it.mails():
        if (text := calendar_of(mail)) is not None:
            calendar = Calendar.from_ical(text)
            (entry,) = calendar.walk("VEVENT")
            to = mail["To"].addresses[0].username
            uid, sequence = str(entry["UID"]), int(str(entry["SEQUENCE"]))
            found.append((to, str(calendar["METHOD"]), uid, sequence))
    return found


async def test_everybody_with_a_place_is_told_once(it: Scene) -> None:
    """Confirmed ones learn of the move with an updated entry; who waits or left does not."""
    names = ["r1", "r2", "r3", "r4"]
    await it.hear(event(), *(contact_of(it, each) for each in names))
    await it.hear(*(fact(RegistrationConfirmed, each) for each in ("r1", "r2", "r4")))
    await it.hear(fact(RegistrationWaitlisted, "r3", position=1))
    await it.hear(fact(RegistrationCancelled, "r4", was="confirmed"))
    before = len(it.mails())
    await it.hear(moved(), sequence=2)
    told = it.mails()[before:]
    assert sorted((mail["To"].addresses[0].username, mail["Subject"]) for mail in told) == [
        ("r1", "Changed: Equal health"),
        ("r2", "Changed: Equal health"),
    ]
    text = text_of(told[0])
    assert "When: Friday 12 May 2023, 13:00–15:00" in text
    assert "Before: Thursday 11 May 2023, 09:00–12:00" in text
    assert "Where: Stadsbiblioteket" in text
    assert "/en/r/link_r" in text
    assert entries(it)[-2:] == [
        (each, "REQUEST", f"registration-{each}@test.example", 1) for each in ("r1", "r2")
    ]
    await it.forget_inbox()
    await it.repeat()
    assert len(it.mails()) == before + 2


async def test_each_move_is_told_and_the_end(it: Scene) -> None:
    """SEQUENCE rises by one with each; the event's end is one letter more, and a CANCEL."""
    await it.hear(event(), contact_of(it, "r1"), fact(RegistrationConfirmed))
    await it.hear(moved(12), sequence=2)
    await it.hear(event(EventChanged, titles={"sv": "Ny", "en": "New"}), sequence=3)
    await it.hear(moved(13), sequence=4)
    await it.hear(EventCancelled(event_id=EVENT, year=2023), sequence=5)
    await it.hear(fact(RegistrationCancelled, was="confirmed", reason="event-cancelled"))
    assert [(method, sequence) for _, method, _, sequence in entries(it)] == [
        ("REQUEST", 0),
        ("REQUEST", 1),
        ("REQUEST", 2),
        ("CANCEL", 3),
    ]
    assert len(it.mails()) == 4
    assert len({uid for _, _, uid, _ in entries(it)}) == 1


async def test_a_move_of_what_is_over_is_told_to_nobody(it: Scene) -> None:
    """The record is set right after the event: nobody has to be anywhere."""
    await it.hear(event(), contact_of(it, "r1"), fact(RegistrationConfirmed))
    it.clock.move(NOON + timedelta(days=43))
    await it.hear(moved(12), sequence=2)
    assert len(it.mails()) == 1


async def test_more_people_than_are_told_at_once(
    make_url: MakeUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many letters are written at a time, and the rest follows; an address may be shared."""
    monkeypatch.setattr(moves, "AT_ONCE", 10)
    people = [f"r{number:03d}" for number in range(25)]
    async with scene(make_url, tmp_path) as it:
        await it.hear(event(), *(it.contact(each) for each in people))
        await it.hear(*(fact(RegistrationConfirmed, each) for each in people))
        (cause,) = await it.hear(moved(), sequence=2)
        letters = [each for each in await it.deliveries() if each.message_id == cause]
        assert len(letters) == 25
        assert {each.status for each in letters} == {"sent"}


async def test_the_way_of_a_booking_that_needs_approval(it: Scene) -> None:
    """Asked, moved, approved, moved and called off: a letter each, the calendar from the third."""
    later: dict[str, Any] = {
        "starts_at": NOON + timedelta(days=4),
        "ends_at": NOON + timedelta(days=4, hours=2),
    }
    before: dict[str, Any] = {
        "previous_room_id": "room-0",
        "previous_starts_at": NOON + timedelta(days=3),
        "previous_ends_at": NOON + timedelta(days=3, hours=2),
    }
    other = room().model_copy(update={"room_id": "room-0", "name": "Verkstaden"})
    await it.hear(room(), other, it.booking_contact("b1"))
    await it.hear(booking(BookingRequested))
    await it.hear(booking(BookingMoved, **later, **before))
    await it.hear(booking(BookingConfirmed, **later))
    await it.hear(booking(BookingMoved, contact_given=False, **before | later))
    await it.hear(booking(BookingCancelled, contact_given=False, **later))
    mails = it.mails()
    assert [mail["Subject"] for mail in mails] == [
        "Vi har fått er förfrågan: Salen",
        "Bokningen är flyttad: Salen",
        "Bokningen är bekräftad: Salen",
        "Bokningen är flyttad: Salen",
        "Bokningen är avbokad: Salen",
    ]
    assert "inte bekräftad än" in text_of(mails[1])
    assert "Tidigare: tisdag 4 april 2023, 12.00–14.00; Verkstaden" in text_of(mails[1])
    assert "inte bekräftad än" not in text_of(mails[3])
    assert [(method, sequence) for _, method, _, sequence in entries(it)] == [
        ("REQUEST", 0),
        ("REQUEST", 1),
        ("CANCEL", 2),
    ]
