"""The rules of events, by table and property."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.persons import same_address, same_name
from services.events.rules.line import next_in_line
from services.events.rules.places import (
    EventFull,
    RegistrationClosed,
    availability,
    link_is_good_until,
    refuse_outside,
    what_it_gets,
)
from services.events.rules.programme import local_date


@dataclass
class Event:
    """The counters and the window of an event."""

    capacity: int = 10
    taken: int = 0
    waiting: int = 0
    admission: str = "first-come"
    waiting_list: bool = True
    is_open: bool = True
    opens_at: datetime | None = None
    closes_at: datetime = datetime(2023, 4, 1, tzinfo=UTC)
    starts_at: datetime = datetime(2023, 4, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "people", "gets"),
    [
        (Event(), 1, "confirmed"),
        (Event(taken=9), 1, "confirmed"),
        (Event(taken=10), 1, "waitlisted"),
        (Event(taken=12), 1, "waitlisted"),
        (Event(taken=9), 2, "waitlisted"),
        (Event(taken=5, waiting=1), 1, "waitlisted"),
        (Event(taken=10, admission="application"), 1, "applied"),
    ],
)
def test_what_it_gets(event: Event, people: int, gets: str) -> None:
    """A place while there is one and nobody waits, else a place in line."""
    assert what_it_gets(event, people) == gets


def test_without_a_line_it_is_full() -> None:
    """An event without a waiting list refuses."""
    with pytest.raises(EventFull):
        what_it_gets(Event(taken=10, waiting_list=False), 1)


@given(free=st.integers(0, 20), groups=st.lists(st.integers(1, 8), max_size=12))
def test_the_line_is_strict(free: int, groups: list[int]) -> None:
    """Those chosen are the longest beginning of the line that fits; nobody passes."""

    @dataclass
    class Entry:
        people: int

    line = [Entry(people) for people in groups]
    chosen = next_in_line(free, line)
    assert chosen == line[: len(chosen)]
    assert sum(each.people for each in chosen) <= free
    rest = line[len(chosen) :]
    assert not rest or sum(each.people for each in chosen) + rest[0].people > free


@pytest.mark.parametrize(
    ("now", "is_refused"),
    [
        (datetime(2023, 3, 1, tzinfo=UTC), True),
        (datetime(2023, 3, 2, tzinfo=UTC), False),
        (datetime(2023, 3, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2023, 4, 1, tzinfo=UTC), True),
    ],
)
def test_the_window(now: datetime, is_refused: bool) -> None:
    """Open from its first instant, closed from its last on."""
    event = Event(opens_at=datetime(2023, 3, 2, tzinfo=UTC))
    if is_refused:
        with pytest.raises(RegistrationClosed):
            refuse_outside(event, now)
    else:
        refuse_outside(event, now)


@pytest.mark.parametrize(
    ("taken", "waiting", "word"),
    [(0, 0, "many"), (7, 0, "many"), (8, 0, "few"), (10, 0, "none"), (3, 1, "none")],
)
def test_availability(taken: int, waiting: int, word: str) -> None:
    """A fifth left is few; while anybody waits there is none."""
    assert availability(Event(taken=taken, waiting=waiting)) == word


def test_a_link_is_good_for_24_hours_over_a_change_of_clocks() -> None:
    """Hours are hours, also on the last Sunday of March; the begin ends it sooner."""
    before = datetime(2023, 3, 25, 12, tzinfo=UTC)
    far = datetime(2023, 5, 1, tzinfo=UTC)
    assert link_is_good_until(before, far) - before == timedelta(hours=24)
    assert link_is_good_until(before, before + timedelta(hours=2)) == before + timedelta(hours=2)


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2023-12-31T22:59:59+00:00", "Europe/Stockholm", "2023-12-31"),
        ("2023-12-31T23:00:00+00:00", "Europe/Stockholm", "2024-01-01"),
        ("2023-03-25T23:00:00+00:00", "Europe/Stockholm", "2023-03-26"),
        ("2023-03-26T21:59:59+00:00", "Europe/Stockholm", "2023-03-26"),
        ("2023-03-26T22:00:00+00:00", "Europe/Stockholm", "2023-03-27"),
        ("2023-10-29T22:59:59+00:00", "Europe/Stockholm", "2023-10-29"),
        ("2023-10-29T23:00:00+00:00", "Europe/Stockholm", "2023-10-30"),
        ("2024-01-01T02:00:00+00:00", "America/New_York", "2023-12-31"),
    ],
)
def test_an_event_counts_by_its_local_date(instant: str, zone: str, day: str) -> None:
    """Days of 23 and 25 hours included."""
    assert local_date(datetime.fromisoformat(instant), zone).isoformat() == day


def test_spellings_of_one_person_compare_equal() -> None:
    """Case, spaces and composed letters do not make a second person."""
    assert same_name("  Åsa   EK ") == same_name("A\u030asa Ek")
    assert same_address("Asa.Ek@Example.org") == same_address("asa.ek@example.org")
    assert same_name("Åsa Ek") != same_name("Asa Ek")
