"""Which rooms suit a wish, and why the others do not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from services.web.pages.rooms.wall import HALF_HOUR

Why = Literal["too-small", "lacks", "closed", "taken"]
NEAREST = 3
"""Other times that are offered where nothing is free."""


@dataclass(frozen=True, slots=True)
class Wish:
    """For how many, from when to when (local), and what the room must have."""

    people: int
    starts_at: datetime
    ends_at: datetime
    needs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Misfit:
    """A room that fell away, why, and the nearest other time of that day at which it is free."""

    room: Mapping[str, Any]
    why: Why
    lacks: Sequence[str] = ()
    instead: datetime | None = None


def lacking(room: Mapping[str, Any], wish: Wish) -> list[str]:
    """Return what is wished for and the room does not have."""
    has = {word.casefold() for word in room["equipment"]}
    return [word for word in wish.needs if word.casefold() not in has]


def misfit(room: Mapping[str, Any], wish: Wish) -> Misfit | None:
    """Return why a room cannot suit whatever the time is, or None."""
    if room["capacity"] < wish.people:
        return Misfit(room, "too-small")
    lacks = lacking(room, wish)
    return Misfit(room, "lacks", lacks) if lacks else None


def is_open(room: Mapping[str, Any], starts: str, ends: str) -> bool:
    """Say whether a room is open from a wall time to another of the same day."""
    return bool(room["opens_at"] <= starts and ends <= room["closes_at"])


def other_times(
    free: Iterable[tuple[datetime, datetime]],
    starts_at: datetime,
    length: timedelta,
    now: datetime,
    most: int = NEAREST,
) -> list[datetime]:
    """Return the nearest begins, by the half hour, at which a stay of the length is free.

    `free` are stretches in local time; what is over is not offered. The nearest comes first, the
    later one of two that are as near.
    """
    found = []
    for begin, end in free:
        at = begin - timedelta(minutes=begin.minute % 30, seconds=begin.second)
        if at < begin:
            at += HALF_HOUR
        while at + length <= end:
            if at >= now:
                found.append(at)
            at += HALF_HOUR
    return sorted(found, key=lambda at: (abs(at - starts_at), at < starts_at))[:most]
