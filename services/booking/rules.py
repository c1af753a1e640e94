"""When a room can be had, by whom, and what may become of a booking: decisions over plain values.

Intervals are half-open: touching is not overlapping. Opening hours are wall time of the room's
zone; every instant of a booking lies inside them, so that only a room open from 00:00 to 24:00 is
booked through a night. Buffers are lengths of real time and may lie outside opening hours.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.contracts.words import BookingStatus
from shared.problem import Problem

LONGEST = timedelta(days=31)
"""A longer stay is a lease, not a booking."""
CHECK_IN_BEFORE = timedelta(hours=2)
CHECK_IN_AFTER = timedelta(hours=2)
"""Who leads the gathering counts while tidying up."""

OPEN = frozenset({BookingStatus.REQUESTED, BookingStatus.CONFIRMED})
"""Can still be moved or called off."""
CAN_BE_CHECKED_IN = frozenset(
    {BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN, BookingStatus.NO_SHOW}
)


class RoomTaken(Problem):
    """The room is taken at that time.

    `conflicts` are the times in the way, without names.
    """


class Closed(Problem):
    """The room is closed during some of that time."""


class Past(Problem):
    """That time is over."""


class TooManyPeople(Problem):
    """The room does not hold so many people."""


class EndsBeforeStart(Problem):
    """It ends before, or at the moment, it starts."""


class TooLong(Problem):
    """A booking is not that long."""


class NeverOpen(Problem):
    """A room opens before it closes, at 24:00 at the latest."""


class UnknownRoom(Problem):
    """There is no such room."""


class UnknownVenue(Problem):
    """There is no such venue."""


class UnknownOrganisation(Problem):
    """There is no such organisation, or it is not known here yet."""


class InTheFuture(Problem):
    """That day has not come yet."""


class WrongState(Problem):
    """This cannot be done in the state it is in.

    `state` says which that is.
    """


class NothingHere(Problem):
    """There is nothing here.

    The address is unknown, or what it names is not the caller's to see.
    """

    slug = "not-found"


@dataclass(frozen=True)
class Span:
    """A stretch of time."""

    starts_at: datetime
    ends_at: datetime

    def meets(self, other: "Span", buffer: timedelta = timedelta()) -> bool:
        """Say whether less than `buffer` lies between the two, or they overlap."""
        return self.starts_at < other.ends_at + buffer and other.starts_at < self.ends_at + buffer


@dataclass(frozen=True)
class Hours:
    """From when to when a room is open on each day, on its wall clock (24:00 = to midnight)."""

    opens_at: str
    closes_at: str
    zone: ZoneInfo

    def of(self, day: date) -> Span:
        """Return the hours of a day; where the clock is set back, the longer reading of them.

        24:00 is the moment at which the next day begins, and never the second time it does.
        """
        last = 0 if self.closes_at == "24:00" else 1
        return Span(self._instant(day, self.opens_at, 0), self._instant(day, self.closes_at, last))

    def _instant(self, day: date, wall: str, fold: int) -> datetime:
        hour, minute = map(int, wall.split(":"))
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        local += timedelta(hours=hour, minutes=minute)
        instant = local.replace(fold=fold).astimezone(UTC)
        if instant.astimezone(self.zone).replace(fold=0) == local.replace(fold=0):
            return instant
        return self._after_gap(local)

    def _after_gap(self, local: datetime) -> datetime:
        """Return the instant at which a wall clock that skips `local` first shows more than it."""
        instant = local.replace(fold=1).astimezone(UTC)
        while instant.astimezone(self.zone).replace(fold=0) < local.replace(fold=0):
            instant += timedelta(minutes=1)
        return instant


def check_hours(opens_at: str, closes_at: str) -> None:
    """Raise NeverOpen unless a room opens before it closes."""
    if opens_at >= closes_at:
        raise NeverOpen(f"It would open at {opens_at} and close at {closes_at}.")


def local_date(at: datetime, zone: str) -> date:
    """Return the date on the wall clock of a zone."""
    return at.astimezone(ZoneInfo(zone)).date()


def is_open(hours: Hours, span: Span) -> bool:
    """Say whether a room is open during all of a stretch of time."""
    covered = span.starts_at
    day = covered.astimezone(hours.zone).date()
    while covered < span.ends_at:
        open_ = hours.of(day)
        if not open_.starts_at <= covered < open_.ends_at:
            return False
        covered = open_.ends_at
        day += timedelta(days=1)
    return True


def free_spans(hours: Hours, window: Span, taken: Iterable[Span]) -> list[Span]:
    """Return what is left of the opening hours in a window when `taken` is taken out of them."""
    free: list[Span] = []
    day = window.starts_at.astimezone(hours.zone).date()
    last = window.ends_at.astimezone(hours.zone).date()
    while day <= last:
        open_ = _within(hours.of(day), window)
        if open_ is not None:
            if free and free[-1].ends_at == open_.starts_at:
                open_ = Span(free.pop().starts_at, open_.ends_at)
            free.append(open_)
        day += timedelta(days=1)
    for each in taken:
        free = [piece for span in free for piece in _without(span, each)]
    return free


def _within(span: Span, window: Span) -> Span | None:
    starts_at = max(span.starts_at, window.starts_at)
    ends_at = min(span.ends_at, window.ends_at)
    return Span(starts_at, ends_at) if starts_at < ends_at else None


def _without(span: Span, taken: Span) -> list[Span]:
    before = _within(span, Span(span.starts_at, min(span.ends_at, taken.starts_at)))
    after = _within(span, Span(max(span.starts_at, taken.ends_at), span.ends_at))
    if not span.meets(taken):
        return [span]
    return [piece for piece in (before, after) if piece is not None]


def check_wish(
    span: Span, *, people: int, capacity: int, hours: Hours, now: datetime, starts_anew: bool = True
) -> None:
    """Raise what is wrong with a wish apart from other bookings; the first thing only.

    `starts_anew=False`: the begin stays where it was, so that a running booking can be changed.
    """
    if span.ends_at <= span.starts_at:
        raise EndsBeforeStart("The end must come after the start.")
    if span.ends_at - span.starts_at > LONGEST:
        raise TooLong(f"A booking lasts at most {LONGEST.days} days.")
    if (starts_anew and span.starts_at < now) or span.ends_at <= now:
        raise Past("It would begin, or end, in the past.")
    if people > capacity:
        raise TooManyPeople(f"The room holds {capacity}.", capacity=capacity)
    if not is_open(hours, span):
        raise Closed(f"The room is open from {hours.opens_at} to {hours.closes_at}.")


def check_in_closes_at(ends_at: datetime, zone: ZoneInfo, *, is_staff: bool) -> datetime:
    """Return until when people can be counted in.

    Who booked has two hours after the end. The staff have all of the day after: an evening's
    list is typed in the next day.
    """
    if not is_staff:
        return ends_at + CHECK_IN_AFTER
    ended_on = (ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    return Hours("00:00", "24:00", zone).of(ended_on + timedelta(days=1)).ends_at


def check_check_in(
    status: BookingStatus, span: Span, zone: ZoneInfo, *, is_staff: bool, now: datetime
) -> None:
    """Raise WrongState unless the gathering can be checked in now.

    A no-show can be too, while the time lasts: they came, and nobody had said so.
    """
    if status not in CAN_BE_CHECKED_IN:
        raise WrongState("Only a confirmed booking is checked in.", state=status)
    if now < span.starts_at - CHECK_IN_BEFORE:
        raise WrongState("Check-in opens two hours before the start.", state=status)
    if now >= check_in_closes_at(span.ends_at, zone, is_staff=is_staff):
        raise WrongState("It is too late to check in.", state=status)
