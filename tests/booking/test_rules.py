"""The rules over plain values: opening hours over clock changes, windows, what meets what."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.rules import (
    Closed,
    EndsBeforeStart,
    Hours,
    Past,
    Span,
    TooLong,
    TooManyPeople,
    WrongState,
    check_check_in,
    check_in_closes_at,
    check_wish,
    free_spans,
    is_open,
)
from shared.contracts.words import BookingStatus
from shared.problem import Problem

MALMO = ZoneInfo("Europe/Stockholm")
ZONES = ["Europe/Stockholm", "Africa/Cairo", "America/Havana", "Pacific/Apia", "Asia/Kathmandu"]
QUARTER = timedelta(minutes=15)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text: str, zone: ZoneInfo = MALMO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2023-03-25", "2023-03-25 07:00", "2023-03-25 21:00"),
        ("2023-03-26", "2023-03-26 06:00", "2023-03-26 20:00"),
        ("2023-10-28", "2023-10-28 06:00", "2023-10-28 20:00"),
        ("2023-10-29", "2023-10-29 07:00", "2023-10-29 21:00"),
    ],
)
def test_hours_stay_on_the_wall_clock(day: str, opens: str, closes: str) -> None:
    """From 8 to 22 stays from 8 to 22 on the day the clock is changed."""
    hours = Hours("08:00", "22:00", MALMO).of(date.fromisoformat(day))
    assert hours == Span(utc(opens), utc(closes))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Stockholm", "2023-03-26", 23),
        ("Europe/Stockholm", "2023-10-29", 25),
        ("Africa/Cairo", "2023-04-28", 23),  # its clock skips the first hour of the day
        ("America/Havana", "2023-11-05", 25),  # and there the first hour comes twice
        ("Pacific/Apia", "2011-12-30", 0),  # a day that never was
    ],
)
def test_a_whole_day_is_as_long_as_it_is(zone: str, day: str, hours: int) -> None:
    """From 00:00 to 24:00 leaves no hole and no overlap to the days around it."""
    all_day = Hours("00:00", "24:00", ZoneInfo(zone))
    on = date.fromisoformat(day)
    today, before, after = (all_day.of(on + timedelta(days=n)) for n in (0, -1, 1))
    assert today.ends_at - today.starts_at == timedelta(hours=hours)
    assert (before.ends_at, after.starts_at) == (today.starts_at, today.ends_at)


def test_hours_in_a_gap_and_in_a_doubled_hour() -> None:
    """A gap is passed at once; in a doubled hour the room opens early and closes late."""
    half_past_two = Hours("02:30", "24:00", MALMO)
    until_half_past = Hours("00:00", "02:30", MALMO)
    spring, autumn = date(2023, 3, 26), date(2023, 10, 29)
    assert half_past_two.of(spring).starts_at == utc("2023-03-26 01:00")
    assert until_half_past.of(spring).ends_at == utc("2023-03-26 01:00")
    assert half_past_two.of(autumn).starts_at == utc("2023-10-29 00:30")
    assert until_half_past.of(autumn).ends_at == utc("2023-10-29 01:30")


@given(
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2023, 1, 1), datetime(2024, 1, 1)),
    quarters=st.integers(1, 200),
    opens=st.sampled_from(["00:00", "08:00", "09:30"]),
    closes=st.sampled_from(["16:45", "22:00", "24:00"]),
)
def test_open_is_what_the_wall_clock_says_at_every_moment(
    zone: str, start: datetime, quarters: int, opens: str, closes: str
) -> None:
    """A stretch is open exactly if each quarter of it shows a time within the hours."""
    hours = Hours(opens, closes, ZoneInfo(zone))
    on_grid = start.replace(minute=start.minute // 15 * 15, second=0, microsecond=0, tzinfo=UTC)
    span = Span(on_grid, on_grid + quarters * QUARTER)
    shown = [
        (on_grid + n * QUARTER).astimezone(hours.zone).strftime("%H:%M") for n in range(quarters)
    ]
    assert is_open(hours, span) == all(opens <= each < closes for each in shown)
    free = free_spans(hours, span, [])
    assert all(is_open(hours, each) for each in free)
    assert sum((each.ends_at - each.starts_at for each in free), timedelta()) == QUARTER * sum(
        opens <= each < closes for each in shown
    )


@given(st.lists(st.tuples(st.integers(0, 95), st.integers(1, 20)), max_size=8))
def test_what_is_free_is_open_and_not_taken(taken: list[tuple[int, int]]) -> None:
    """Quarter by quarter, free is open less taken."""
    midnight = utc("2023-03-07 00:00")
    hours = Hours("08:00", "22:00", ZoneInfo("UTC"))
    spans = [
        Span(midnight + begin * QUARTER, midnight + (begin + length) * QUARTER)
        for begin, length in taken
    ]
    free = free_spans(hours, Span(midnight, midnight + timedelta(days=1)), spans)
    quarters = {
        n
        for n in range(96)
        if any(
            each.meets(Span(midnight + n * QUARTER, midnight + (n + 1) * QUARTER)) for each in free
        )
    }
    gone = {n for begin, length in taken for n in range(begin, begin + length)}
    assert quarters == set(range(32, 88)) - gone
    assert not any(each.meets(other) for each in free for other in free if each is not other)


NOW = wall("2023-03-07 12:00")
EVENING = Span(wall("2023-03-07 18:00"), wall("2023-03-07 20:00"))


@pytest.mark.parametrize(
    ("span", "people", "refusal"),
    [
        (EVENING, 70, None),
        (EVENING, 71, TooManyPeople),
        (Span(EVENING.ends_at, EVENING.starts_at), 1, EndsBeforeStart),
        (Span(EVENING.starts_at, EVENING.starts_at), 1, EndsBeforeStart),
        (Span(NOW, EVENING.ends_at), 1, None),
        (Span(NOW - timedelta(seconds=1), EVENING.ends_at), 1, Past),
        (Span(EVENING.starts_at, wall("2023-03-07 22:00")), 1, None),
        (Span(EVENING.starts_at, wall("2023-03-07 22:01")), 1, Closed),
        (Span(wall("2023-03-08 07:59"), wall("2023-03-08 09:00")), 1, Closed),
        (Span(wall("2023-03-08 20:00"), wall("2023-03-09 10:00")), 1, Closed),
        (Span(EVENING.starts_at, EVENING.starts_at + timedelta(days=32)), 1, TooLong),
    ],
)
def test_a_wish_is_refused_for_what_is_wrong_with_it(
    span: Span, people: int, refusal: type[Problem] | None
) -> None:
    """Hours, past, people and order are looked at before anybody else's booking is."""
    hours = Hours("08:00", "22:00", MALMO)
    if refusal is None:
        check_wish(span, people=people, capacity=70, hours=hours, now=NOW)
        return
    with pytest.raises(refusal):
        check_wish(span, people=people, capacity=70, hours=hours, now=NOW)


@pytest.mark.parametrize(
    ("status", "is_staff", "now", "may"),
    [
        (BookingStatus.CONFIRMED, False, wall("2023-03-07 15:59"), False),
        (BookingStatus.CONFIRMED, False, wall("2023-03-07 16:00"), True),
        (BookingStatus.CHECKED_IN, False, wall("2023-03-07 21:59"), True),
        (BookingStatus.NO_SHOW, False, wall("2023-03-07 21:59"), True),
        (BookingStatus.NO_SHOW, False, wall("2023-03-07 22:00"), False),
        (BookingStatus.NO_SHOW, True, wall("2023-03-08 23:59"), True),
        (BookingStatus.NO_SHOW, True, wall("2023-03-09 00:00"), False),
        (BookingStatus.REQUESTED, True, wall("2023-03-07 18:00"), False),
        (BookingStatus.CANCELLED, True, wall("2023-03-07 18:00"), False),
        (BookingStatus.REJECTED, True, wall("2023-03-07 18:00"), False),
    ],
)
def test_when_people_can_be_counted_in(
    status: BookingStatus, is_staff: bool, now: datetime, may: bool
) -> None:
    """From two hours before to two hours after; the staff until the end of the next day."""
    if may:
        check_check_in(status, EVENING, MALMO, is_staff=is_staff, now=now)
        return
    with pytest.raises(WrongState):
        check_check_in(status, EVENING, MALMO, is_staff=is_staff, now=now)


def test_a_gathering_that_ends_at_midnight_ends_on_its_own_day() -> None:
    """24:00 belongs to the day before: the staff's day after is not the one after that."""
    midnight = wall("2023-03-08 00:00")
    assert check_in_closes_at(midnight, MALMO, is_staff=True) == wall("2023-03-09 00:00")
