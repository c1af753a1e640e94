"""Finding a room, reading its week, booking it: over the whole house, without a script."""

import re
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.web.forms import count_of
from services.web.pages.rooms.searching import other_times
from services.web.pages.rooms.wall import day_of, is_wall, week_of
from services.web.pages.rooms.week import Hours, Span, week
from tests.web.lived import Lived, lived_house

ZONE = ZoneInfo("Europe/Stockholm")
MONDAY = date(2023, 10, 9)
HOURS = Hours("08:00", "22:00", ZONE)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a time in October 2023."""
    return datetime(2023, 10, day, hour, minute, tzinfo=ZONE)


@pytest.fixture
async def lived(tmp_path: Path) -> AsyncIterator[Lived]:
    """Return a house that is running."""
    async with lived_house(tmp_path) as house:
        yield house


def test_a_week_shows_every_stretch_of_every_day() -> None:
    """Free, taken and open stretches fill a day from opening to closing, in half hours."""
    busy = [Span(at(10, 9, 30), at(10, 11, 30), "event"), Span(at(10, 13), at(10, 15))]
    free = [
        Span(at(10, 8), at(10, 9, 30)),
        Span(at(10, 11, 30), at(10, 13)),
        Span(at(10, 15, 15), at(10, 22)),
    ]
    days = week(MONDAY, HOURS, busy, free, at(10, 8, 40))
    tuesday = days[1]
    assert [day.is_today for day in days] == [False, True, *[False] * 5]
    assert [(each.kind, each.starts, each.ends) for each in tuesday.stretches] == [
        ("past", "08:00", "09:00"),
        ("free", "09:00", "09:30"),
        ("open", "09:30", "11:30"),
        ("free", "11:30", "13:00"),
        ("booked", "13:00", "15:00"),
        ("between", "15:00", "15:15"),
        ("free", "15:15", "22:00"),
    ]
    assert sum(each.cells for each in tuesday.stretches) == 28
    assert not days[2].stretches


def test_hours_mark_each_hour_and_odd_halves() -> None:
    """The marks beside a week add up to the half hours that the room is open."""
    assert HOURS.axis()[0] == (8, 2)
    assert sum(cells for _hour, cells in HOURS.axis()) == 28
    assert Hours("08:30", "10:00", ZONE).axis() == [(-1, 1), (9, 2)]


def test_other_times_are_the_nearest_that_are_not_over() -> None:
    """Times offered instead lie in free stretches, by the half hour, the nearest first."""
    free = [(at(10, 8), at(10, 12)), (at(10, 17, 15), at(10, 22))]
    found = other_times(free, at(10, 17), timedelta(hours=2), at(10, 8))
    assert found == [at(10, 17, 30), at(10, 18), at(10, 18, 30)]
    assert other_times(free, at(10, 9), timedelta(hours=2), at(10, 20, 30)) == []


@pytest.mark.parametrize(
    "text", ["", "x", "2023-13-01", "20231010", "2023-02-30", "0001-01-01", "9999-12-31"]
)
def test_what_is_no_day_is_none(text: str) -> None:
    """A day that does not exist, or in another form, is no day."""
    assert day_of(text) is None


def test_wall_times_and_weeks_are_read_strictly() -> None:
    """Only HH:MM to 24:00 is a time; only a week that the year has is a week."""
    assert [is_wall(text) for text in ("00:00", "24:00", "9:00", "24:30", "09:60", "０9:00")] == [
        *[True] * 2,
        *[False] * 4,
    ]
    assert week_of("2023-W41") == MONDAY
    assert [week_of(text) for text in ("2023-W53", "2023-41", "99999-W01", "", "x-Wy")] == [
        None
    ] * 5


def test_a_number_of_people_is_whole_positive_and_bounded() -> None:
    """Neither signs nor other digits nor thousands of them are a number of people."""
    assert [count_of(text, 100_000) for text in ("1", "012", "100000")] == [1, 12, 100_000]
    wrong = ("", "0", "-1", "1.5", "１２", "100001", "0000001", "1" * 5_000, "1e3")
    assert [count_of(text, 100_000) for text in wrong] == [None] * len(wrong)


@pytest.mark.anyio
async def test_a_search_shows_free_rooms_first_and_why_others_fell_away(lived: Lived) -> None:
    """Who looks for a room sees the free ones, other times of taken ones, and what others lack."""
    salen = await lived.room("Salen")
    await lived.room("Forum")
    await lived.room("Ateljén", capacity=10)
    await lived.room("Köket", equipment=["kitchen"])
    body = {
        "room_id": salen["id"],
        "organisation_id": await lived.organisation(),
        "purpose": "rehearsal of a secret",
        "starts_at": "2023-10-12T15:00:00Z",
        "ends_at": "2023-10-12T17:00:00Z",
        "expected_people": 8,
    }
    await lived.settles()
    await lived.does("POST", "/v1/bookings", body)
    visitor = lived.visitor()
    assert "All rooms" in await visitor.reads("/rooms")
    query = "?people=12&day=2023-10-12&from=17:00&to=19:00&need=projector"
    page = await visitor.reads(f"/rooms{query}")
    order = [page.index(f">{name}<") for name in ("Forum", "Salen", "Ateljén", "Köket")]
    assert order == sorted(order)
    for sentence in ("1 room is free", "Free 2 hours later", "it holds 10 people", "no projector"):
        assert sentence in page
    swedish = lived.visitor("sv")
    assert "1 rum är ledigt" in await swedish.reads(f"/rooms{query}")
    assert 'dir="rtl"' in await lived.visitor("ar").reads(f"/rooms{query}")


@pytest.mark.anyio
async def test_a_search_that_makes_no_sense_says_so_and_keeps_what_was_typed(lived: Lived) -> None:
    """Every parameter wrong gives a sentence each, and the form as it was."""
    await lived.room()
    visitor = lived.visitor()
    page = await visitor.reads("/rooms?people=many&day=x&from=25:00&to=&need=%3Cb%3E", 422)
    assert "<title>Error:" in page
    assert page.count('class="error"') == 4
    assert 'value="many"' in page
    assert "later than the first" in await visitor.reads(
        "/rooms?people=2&day=2023-10-12&from=12:00&to=12:00", 422
    )
    assert "That time is over" in await visitor.reads(
        "/rooms?people=2&day=2023-10-09&from=12:00&to=13:00", 422
    )
    await visitor.reads("/rooms/no-such-room", 404)
    await visitor.reads("/rooms/no-such-room/book", 404)


@pytest.mark.anyio
async def test_a_rooms_week_never_says_who_booked(lived: Lived) -> None:
    """The week tells free from taken, names what is open to all, and nobody who booked."""
    salen = await lived.room()
    organisation = await lived.organisation("Hemliga sällskapet")
    await lived.settles()
    body = {
        "room_id": salen["id"],
        "organisation_id": organisation,
        "purpose": "a surprise",
        "starts_at": "2023-10-11T11:00:00Z",
        "ends_at": "2023-10-11T13:00:00Z",
        "expected_people": 8,
    }
    await lived.does("POST", "/v1/bookings", body)
    event = await lived.event(room_id=salen["id"])
    page = await lived.visitor().reads(f"/rooms/{salen['id']}")
    assert "Week 41, 9–15 October 2023" in page
    assert "Booked" in page
    assert f'/en/events/{event}"' in page
    assert "Equal health" in page
    assert "Hemliga" not in page
    assert "surprise" not in page
    free = re.findall(r'<li class="slot s\d+ free"><a href="([^"]+)" aria-label="([^"]+)"', page)
    assert all("Free, " in name and "2023" in name for _href, name in free)
    assert "There is no such week" in await lived.visitor().reads(f"/rooms/{salen['id']}?week=9")
    assert '<section class="gone">' in page
    over = await lived.visitor().reads(f"/rooms/{salen['id']}?week=2023-W30")
    assert '<section class="gone">' not in over
    later = await lived.visitor("sv").reads(f"/rooms/{salen['id']}?week=2023-W43")
    assert "Vecka 43, 23–29 oktober 2023" in later


@pytest.mark.anyio
async def test_a_visitor_sees_that_a_time_is_free_and_what_booking_needs(lived: Lived) -> None:
    """Without a sign-in nothing can be booked, and the page says so instead of failing."""
    salen = await lived.room()
    visitor = lived.visitor()
    path = f"/rooms/{salen['id']}/book?day=2023-10-12&from=17:00&to=19:00"
    page = await visitor.reads(path)
    assert "Thursday 12 October 2023, 17:00–19:00" in page
    assert "(2 hours)" in page
    assert "Booking needs a sign-in" in page
    assert 'method="post"' not in page
    closed = await visitor.reads(
        f"/rooms/{salen['id']}/book?day=2023-10-12&from=06:00&to=07:00", 422
    )
    assert "The room is open 08:00–22:00" in closed
    wrong = await visitor.reads(f"/rooms/{salen['id']}/book?day=x&from=y&to=z", 422)
    assert wrong.count('class="error"') == 3


@pytest.mark.anyio
async def test_who_has_signed_in_books_and_nothing_typed_is_lost_where_it_is_taken(
    lived: Lived,
) -> None:
    """A booking ends on its receipt; taken meanwhile, other times are buttons of the same form."""
    salen = await lived.room()
    organisation = await lived.organisation()
    await lived.settles()
    keeper = await lived.signed_in("booking:write", "booking:read")
    path = f"/rooms/{salen['id']}/book?day=2023-10-12&from=17:00&to=19:00&people=12"
    typed = {
        "organisation_id": organisation,
        "people": "12",
        "purpose": "Körövning",
        "name": "",
        "email": "",
    }
    wrong = await keeper.sends(path, **{**typed, "people": "900", "purpose": ""})
    assert wrong.status_code == 422
    assert "The room holds 80 people" in wrong.text
    assert "Write what it is for" in wrong.text
    receipt = await keeper.follows(await keeper.sends(path, **typed))
    assert "The room is booked" in receipt
    assert "Thursday 12 October 2023, 17:00–19:00" in receipt
    again = f"/rooms/{salen['id']}/book?day=2023-10-12&from=15:00&to=17:00"
    taken = await keeper.sends(
        again, **{**typed, "day": "2023-10-12", "from": "18:00", "to": "20:00"}
    )
    assert taken.status_code == 422
    assert "Somebody else has just taken that time" in taken.text
    assert 'value="Körövning"' in taken.text
    chosen = re.findall(r'name="at" value="([^"]+)"', taken.text)
    assert chosen
    instead = await keeper.sends(again, **{**typed, "at": chosen[0]})
    assert "The room is booked" in await keeper.follows(instead)


@pytest.mark.anyio
async def test_a_session_that_is_over_loses_nothing_that_was_typed(lived: Lived) -> None:
    """Who was signed out meanwhile gets the form back, filled in, and the way to sign in."""
    salen = await lived.room()
    organisation = await lived.organisation()
    await lived.settles()
    keeper = await lived.signed_in("booking:write")
    path = f"/rooms/{salen['id']}/book?day=2023-10-12&from=17:00&to=19:00&people=12"
    page = await keeper.reads(path)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    keeper.client.cookies.delete("andan_session")
    typed = {"organisation_id": organisation, "people": "12", "purpose": "Körövning"}
    answer = await keeper.client.post(f"/en{path.partition('?')[0]}", data={**hidden, **typed})
    assert answer.status_code in (401, 403)
    assert "You are not signed in any more" in answer.text
    assert 'value="Körövning"' in answer.text
    assert f'<option value="{organisation}" selected>' in answer.text
