"""A room's week as stretches of half hours: what is free, taken, open to all, over or closed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from services.web.pages.rooms.wall import HALF_HOUR, minutes_of, wall_of

Kind = Literal["free", "booked", "open", "past", "between"]
_CELL = 30


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time; `event` is the id of what it is open to all for, where it is."""

    starts_at: datetime
    ends_at: datetime
    event: str | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a day in a room, from wall time to wall time."""

    kind: Kind
    day: date
    starts: str
    ends: str
    cells: int
    """Half hours it is shown as."""
    event: str | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a room's week."""

    day: date
    is_today: bool
    is_over: bool
    stretches: Sequence[Stretch]


@dataclass(frozen=True, slots=True)
class Hours:
    """From when to when a room is open, on its wall clock."""

    opens: str
    closes: str
    zone: ZoneInfo

    def axis(self) -> list[tuple[int, int]]:
        """Return the marks beside a day: each hour and the half hours until the next mark."""
        first, last = minutes_of(self.opens) // _CELL, -(-minutes_of(self.closes) // _CELL)
        marks: list[tuple[int, int]] = []
        at = first
        while at < last:
            step = 1 if at % 2 else min(2, last - at)
            marks.append((-1 if at % 2 else at // 2, step))
            at += step
        return marks


def week(
    monday: date, hours: Hours, busy: Iterable[Span], free: Iterable[Span], now: datetime
) -> list[Day]:
    """Return the seven days from a Monday.

    A free stretch that is running is cut at the next half hour; what lies between the stretches
    (a buffer) is neither free nor taken.
    """
    busy, free = list(busy), list(free)
    today = now.astimezone(hours.zone).date()
    days = [monday + timedelta(days=number) for number in range(7)]
    return [
        Day(
            day,
            day == today,
            day < today,
            _stretches(_of_day(day, busy, free, now, hours), day, hours),
        )
        for day in days
    ]


def _of_day(
    day: date, busy: list[Span], free: list[Span], now: datetime, hours: Hours
) -> list[tuple[Kind, Span]]:
    found: list[tuple[Kind, Span]] = [
        ("open" if span.event else "booked", span) for span in _within(day, busy, hours)
    ]
    soon = _next_half_hour(now.astimezone(hours.zone))
    for span in _within(day, free, hours):
        if span.starts_at < soon:
            found.append(("past", Span(span.starts_at, min(span.ends_at, soon))))
        if span.ends_at > soon:
            found.append(("free", Span(max(span.starts_at, soon), span.ends_at)))
    return sorted(found, key=lambda each: (each[1].starts_at, each[1].ends_at))


def _within(day: date, spans: list[Span], hours: Hours) -> list[Span]:
    """Return the parts of the spans that lie in a day, in local time."""
    midnight = datetime.combine(day, datetime.min.time(), tzinfo=hours.zone)
    until = datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=hours.zone)
    cut = [
        Span(
            max(each.starts_at, midnight).astimezone(hours.zone),
            min(each.ends_at, until).astimezone(hours.zone),
            each.event,
        )
        for each in spans
    ]
    return [each for each in cut if each.starts_at < each.ends_at]


def _next_half_hour(at: datetime) -> datetime:
    past = timedelta(minutes=at.minute % _CELL, seconds=at.second, microseconds=at.microsecond)
    return at - past + HALF_HOUR if past else at


def _stretches(found: list[tuple[Kind, Span]], day: date, hours: Hours) -> list[Stretch]:
    first, last = _cell(hours.opens), _cell(hours.closes)
    at, end = first, hours.opens
    made: list[Stretch] = []
    for kind, span in found:
        starts, ends = wall_of(span.starts_at, day), wall_of(span.ends_at, day)
        begin = max(_cell(starts), at)
        if begin > at:
            made.append(Stretch("between", day, end, starts, begin - at))
        until = max(_cell(ends), begin + 1)
        made.append(Stretch(kind, day, starts, ends, until - begin, span.event))
        at, end = until, ends
    if made and at < last:
        made.append(Stretch("between", day, end, hours.closes, last - at))
    return made


def _cell(wall: str) -> int:
    return (minutes_of(wall) + _CELL // 2) // _CELL
