"""Decides what a registration gets: a place, a place in line, or nothing."""

from datetime import datetime, timedelta
from typing import Literal, Protocol

from shared.contracts.words import Admission
from shared.problem import Problem

LINK_IS_GOOD_FOR = timedelta(hours=24)
FEW = 0.2
"""From this share of free places down, few are left."""

Gets = Literal["applied", "confirmed", "waitlisted"]


class EventFull(Problem):
    """All places are taken, and there is no waiting list."""


class RegistrationClosed(Problem):
    """Registration is not open.

    It has not begun, is over, or the event does not take place.
    """


class GroupTooLarge(Problem):
    """The group is larger than the event."""


class Counts(Protocol):
    """The counters of an event's places."""

    @property
    def capacity(self) -> int:
        """Places there are."""

    @property
    def taken(self) -> int:
        """People confirmed or offered a place."""

    @property
    def waiting(self) -> int:
        """Registrations in line."""

    @property
    def admission(self) -> str:
        """How places are given out."""

    @property
    def waiting_list(self) -> bool:
        """Whether a full event has a line."""


class Window(Protocol):
    """When an event can be registered for."""

    @property
    def is_open(self) -> bool:
        """Whether it is published."""

    @property
    def opens_at(self) -> datetime | None:
        """Registration from here on."""

    @property
    def closes_at(self) -> datetime:
        """No registration from here on."""

    @property
    def starts_at(self) -> datetime:
        """The event's begin."""


def what_it_gets(counts: Counts, people: int) -> Gets:
    """Say what `people` who come now get; nobody passes those who wait.

    Raises EventFull where there is no line to join, GroupTooLarge for what can never fit.
    """
    if counts.admission == Admission.APPLICATION:
        return "applied"
    if people > max(counts.capacity, 1):
        raise GroupTooLarge(f"the event has {counts.capacity} places")
    if counts.waiting == 0 and counts.taken + people <= counts.capacity:
        return "confirmed"
    if not counts.waiting_list:
        raise EventFull("all places are taken")
    return "waitlisted"


def refuse_outside(window: Window, now: datetime) -> None:
    """Raise RegistrationClosed where nobody can register now."""
    if not window.is_open:
        raise RegistrationClosed("the event does not take place")
    if window.opens_at is not None and now < window.opens_at:
        raise RegistrationClosed("registration has not begun")
    if now >= window.closes_at or now >= window.starts_at:
        raise RegistrationClosed("registration is over")


def refuse_full(counts: Counts) -> None:
    """Raise EventFull where not even one more could be given a place or a place in line."""
    if counts.admission != Admission.APPLICATION:
        what_it_gets(counts, 1)


def link_is_good_until(now: datetime, starts_at: datetime) -> datetime:
    """Return when a pending registration ends: after 24 hours, at the latest at the begin."""
    return min(now + LINK_IS_GOOD_FOR, starts_at)


def availability(counts: Counts) -> Literal["many", "few", "none"]:
    """Say in a word how many places are free; none while anybody waits."""
    free = counts.capacity - counts.taken
    if free <= 0 or counts.waiting:
        return "none"
    return "few" if free <= max(1, counts.capacity * FEW) else "many"
