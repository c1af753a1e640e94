"""Each step that concerns a person is one letter, in their language, with what they need."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from shared.contracts.booking import BookingCancelled, BookingConfirmed, BookingRejected
from shared.contracts.events import (
    EventContactGiven,
    EventRescheduled,
    RegistrationApplied,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationDeclined,
    RegistrationPending,
    RegistrationWaitlisted,
)
from shared.contracts.events.registration import RegistrationFact
from shared.contracts.notifications import DeliveryFailed, DeliverySent
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.notifications.scene import (
    NOON,
    Scene,
    booking,
    calendar_of,
    event,
    fact,
    html_of,
    look_again,
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


@pytest.fixture
async def sqlite(make_url: MakeUrl, tmp_path: Path) -> AsyncIterator[Scene]:
    """Run notifications on SQLite."""
    async with scene(make_url, tmp_path) as running:
        yield running


async def test_the_way_of_a_registration(it: Scene) -> None:
    """Asked, confirmed, cancelled: three letters to one person, each with its delivery."""
    pending = fact(RegistrationPending, confirm_by=NOON + timedelta(hours=24))
    ids = await it.hear(event(), it.contact("r1"), pending)
    ids += await it.hear(fact(RegistrationConfirmed))
    ids += await it.hear(fact(RegistrationCancelled, was="confirmed"))
    mails = it.mails()
    assert [mail["Subject"] for mail in mails] == [
        "Bekräfta din anmälan: Jämlik hälsa",
        "Du har en plats: Jämlik hälsa",
        "Avbokat: Jämlik hälsa",
    ]
    assert {mail["To"].addresses[0].addr_spec for mail in mails} == {"asa@example.org"}
    assert "https://test.example/sv/r/link_r1" in text_of(mails[0])
    assert 'href="https://test.example/sv/r/link_r1"' in html_of(mails[0])
    assert "söndag 2 april 2023 kl. 12.00" in text_of(mails[0])
    assert "torsdag 11 maj 2023, 9.00–12.00" in text_of(mails[1])
    assert [calendar_of(mail) is None for mail in mails] == [True, False, False]
    deliveries = await it.deliveries()
    assert [each.message_id for each in deliveries] == ids[2:]
    assert {(each.status, each.attempts, each.letter) for each in deliveries} == {("sent", 1, None)}
    told = await it.it.published(DeliverySent)
    assert [each.delivery_id for each in told] == [each.id for each in deliveries]


async def test_a_stranger_s_name_stays_out_until_it_is_confirmed(sqlite: Scene) -> None:
    """Whoever registers somebody else cannot write to them in the house's name."""
    spam = sqlite.contact("r1", name="Win at http://evil.example")
    await sqlite.hear(event(), spam, fact(RegistrationPending, confirm_by=NOON))
    (mail,) = sqlite.mails()
    assert "evil" not in mail.as_string()
    assert "evil" not in text_of(mail) + html_of(mail)


@pytest.mark.parametrize(
    ("message", "subject", "says"),
    [
        (fact(RegistrationApplied), "Vi har fått din ansökan: Jämlik hälsa", "kommit fram"),
        (
            fact(RegistrationWaitlisted, position=3),
            "Du står i kö: Jämlik hälsa",
            "Du har plats 3 i kön",
        ),
        (
            fact(RegistrationConfirmed, promoted=True),
            "En plats blev ledig: Jämlik hälsa",
            "den är din",
        ),
        (
            fact(RegistrationConfirmed, selected=True),
            "Du är antagen: Jämlik hälsa",
            "Grattis, du är antagen!",
        ),
        (
            fact(RegistrationConfirmed, people=30, group=True),
            "Du har en plats: Jämlik hälsa",
            "Ni har 30 platser",
        ),
        (
            fact(RegistrationDeclined, reason="not-selected"),
            "Besked om din ansökan: Jämlik hälsa",
            "inte erbjuda dig en plats",
        ),
        (
            fact(RegistrationCancelled, was="confirmed", reason="event-cancelled"),
            "Inställt: Jämlik hälsa",
            "Tyvärr blir ”Jämlik hälsa” inte av",
        ),
    ],
)
async def test_each_fact_has_its_letter(
    sqlite: Scene, message: RegistrationFact, subject: str, says: str
) -> None:
    """The subject says what it is about, and text and HTML say the same."""
    await sqlite.hear(event(), sqlite.contact("r1"), message)
    (mail,) = sqlite.mails()
    assert mail["Subject"] == subject
    assert says in text_of(mail)
    assert says in html_of(mail)


@pytest.mark.parametrize(
    "message",
    [
        fact(RegistrationCancelled, was="pending", reason="not-confirmed"),
        fact(RegistrationCancelled, was="confirmed", reason="erased"),
        fact(RegistrationDeclined, reason="turned-down"),
        fact(RegistrationConfirmed, "r2", contact_given=False),
    ],
)
async def test_some_facts_have_none(sqlite: Scene, message: RegistrationFact) -> None:
    """Nobody is told what they know, what they never confirmed, or without an address."""
    await sqlite.hear(event(), sqlite.contact("r1"), message)
    assert sqlite.mails() == []
    assert await sqlite.deliveries() == []


@pytest.mark.parametrize(
    ("language", "letters"), [("en", "en"), ("en-GB", "en"), ("sv", "sv"), ("ar", "sv")]
)
async def test_the_recipient_s_language(sqlite: Scene, language: str, letters: str) -> None:
    """English to whoever wants it, Swedish to everybody else; links lead into that language."""
    await sqlite.hear(event(), sqlite.contact("r1", language=language), fact(RegistrationConfirmed))
    (mail,) = sqlite.mails()
    words = {
        "sv": "Du har en plats: Jämlik hälsa",
        "en": "You have a place: Equal health",
    }
    assert mail["Subject"] == words[letters]
    assert mail["Content-Language"] == letters
    assert f"https://test.example/{letters}/r/" in text_of(mail)


async def test_a_letter_waits_for_its_contact_and_its_event(it: Scene) -> None:
    """Topics arrive in any order; the letter goes out once all is there."""
    await it.hear(fact(RegistrationConfirmed))
    assert it.mails() == []
    await it.hear(it.contact("r1"))
    assert it.mails() == []
    await it.hear(event())
    assert len(it.mails()) == 1
    assert it.it.service.consumers[0].counts["parked"] == 0


async def test_a_contact_that_never_comes_ends_visibly(sqlite: Scene) -> None:
    """After a week the letter is a failed delivery, and nothing waits any longer."""
    await sqlite.hear(event(), fact(RegistrationConfirmed))
    sqlite.clock.move(NOON + timedelta(days=8))
    await look_again(sqlite.it.service)
    await sqlite.it.quiet()
    (delivery,) = await sqlite.deliveries()
    assert (delivery.status, delivery.reason) == ("failed", "contact-expired")
    (told,) = await sqlite.it.published(DeliveryFailed)
    assert told.reason == "contact-expired"


async def test_the_calendar_is_updated_and_cancelled(it: Scene) -> None:
    """One UID for a registration, SEQUENCE one higher after a move and after a cancellation."""
    await it.hear(event(), it.contact("r1"), it.contact("r2"))
    await it.hear(fact(RegistrationConfirmed, "r1"))
    moved = event(
        EventRescheduled,
        starts_at=datetime(2023, 5, 12, 7, tzinfo=UTC),
        ends_at=datetime(2023, 5, 12, 10, tzinfo=UTC),
        previous_starts_at=datetime(2023, 5, 11, 7, tzinfo=UTC),
        previous_ends_at=datetime(2023, 5, 11, 10, tzinfo=UTC),
    )
    await it.hear(moved, sequence=2)
    await it.hear(moved, sequence=2)
    await it.hear(fact(RegistrationConfirmed, "r2"))
    await it.hear(fact(RegistrationCancelled, "r2", was="confirmed"))
    seen = []
    for mail in it.mails():
        text = calendar_of(mail)
        assert text is not None
        calendar = Calendar.from_ical(text)
        (entry,) = calendar.walk("VEVENT")
        assert len(calendar.walk("VTIMEZONE")) == 1
        seen.append((str(calendar["METHOD"]), str(entry["UID"]), entry["SEQUENCE"]))
        assert "DTSTART;TZID=Europe/Stockholm:" in text
        assert str(entry["ATTENDEE"]) == "mailto:asa@example.org"
    assert seen == [
        ("REQUEST", "registration-r1@test.example", 0),
        ("REQUEST", "registration-r1@test.example", 1),
        ("REQUEST", "registration-r2@test.example", 1),
        ("CANCEL", "registration-r2@test.example", 2),
    ]


async def test_whoever_waited_only_gets_no_calendar(sqlite: Scene) -> None:
    """A cancelled place in line takes nothing out of a calendar that had nothing."""
    await sqlite.hear(event(), sqlite.contact("r1"), fact(RegistrationWaitlisted, position=1))
    await sqlite.hear(fact(RegistrationCancelled, was="waitlisted"))
    assert [calendar_of(mail) for mail in sqlite.mails()] == [None, None]


async def test_the_way_of_a_booking(it: Scene) -> None:
    """Confirmed and cancelled bookings are told to whoever gave an address, refused ones too."""
    await it.hear(room(), it.booking_contact("b1", purpose="Styrelsemöte"))
    await it.hear(booking(BookingConfirmed), booking(BookingConfirmed, "b2", contact_given=False))
    await it.hear(booking(BookingCancelled))
    await it.hear(it.booking_contact("b3", language="en"))
    await it.hear(booking(BookingRejected, "b3", reason="room-taken"))
    first, second, third = it.mails()
    assert first["Subject"] == "Bokningen är bekräftad: Salen"
    assert "Ändamål: Styrelsemöte" in text_of(first)
    assert "Var: Föreningscentret Nobel 21" in text_of(first)
    assert second["Subject"] == "Bokningen är avbokad: Salen"
    assert third["Subject"] == "Your booking could not be confirmed: Salen"
    assert "Salen is unfortunately taken" in text_of(third)
    calendars = [Calendar.from_ical(str(calendar_of(mail))) for mail in (first, second)]
    assert [str(each["METHOD"]) for each in calendars] == ["REQUEST", "CANCEL"]
    assert len({str(each.walk("VEVENT")[0]["UID"]) for each in calendars}) == 1


async def test_already_registered_and_links(it: Scene) -> None:
    """Letters that a contact asks for by itself keep no contact."""
    asked: list[EventContactGiven] = [
        it.contact("x1", purpose="already-registered"),
        it.contact("x2", purpose="links", links=_links("r7", "r8")),
    ]
    await it.hear(event())
    await it.hear(asked[0])
    await it.hear(asked[1])
    first, second = it.mails()
    assert first["Subject"] == "Du är redan anmäld: Jämlik hälsa"
    assert "/r/link_x1" in text_of(first)
    assert second["Subject"] == "Dina anmälningar"
    assert text_of(second).count("https://test.example/sv/r/token-") == 2
    assert await it.contacts() == []


async def test_a_place_that_is_told_to_those_confirmed_only(sqlite: Scene) -> None:
    """An event without a place shows its room in the confirmation, and nowhere before."""
    hidden = event(place=None, room_id="room-1", online=True)
    await sqlite.hear(room(), hidden, sqlite.contact("r1", online_url="https://example.org/stream"))
    await sqlite.hear(fact(RegistrationWaitlisted, position=1))
    await sqlite.hear(fact(RegistrationConfirmed, promoted=True))
    before, after = (text_of(mail) for mail in sqlite.mails())
    assert "Salen" not in before
    assert "example.org/stream" not in before
    assert "Var: Föreningscentret Nobel 21, Salen" in after
    assert "https://example.org/stream" in after
    assert "centraleuropeisk sommartid" in after


async def test_every_message_has_exactly_one_letter(it: Scene) -> None:
    """The same messages again, and again after the inbox forgot them: no second letter."""
    people = [f"r{number}" for number in range(20)]
    facts: list[Any] = [fact(RegistrationConfirmed, each) for each in people]
    await it.hear(event(), *(it.contact(each) for each in people))
    ids = await it.hear(*facts)
    assert len(it.mails()) == 20
    await it.forget_inbox()
    await it.repeat()
    assert sorted(each.message_id for each in await it.deliveries()) == sorted(ids)
    assert len(it.mails()) == 20


def _links(*registrations: str) -> list[dict[str, str]]:
    return [
        {"event_id": "event-1", "registration_id": each, "manage_token": f"token-{each}"}
        for each in registrations
    ]
