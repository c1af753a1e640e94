"""What an organisation may say of itself, and from which day to which it is resident."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.problem import Problem


class OrganisationUnknown(Problem):
    """There is nothing here.

    The address is unknown, or what it names is not the caller's to see.
    """

    slug = "not-found"


class AlreadyResident(Problem):
    """The organisation has its home in the house already.

    End the residency first, then let it begin again on another day. `since` is its first day.
    """


class Dissolved(Problem):
    """The organisation no longer exists.

    It can be read, and changed no more. `since` is the day it was dissolved.
    """


@dataclass(frozen=True)
class City:
    """The city whose days count: a residency begins and ends on its calendar."""

    zone: ZoneInfo

    def today(self, now: datetime) -> date:
        """Return the city's date at an instant."""
        return now.astimezone(self.zone).date()


def first_day(resident: bool | date, today: date) -> date | None:
    """Return the day a residency begins on (true = today), None where there shall be none."""
    if isinstance(resident, bool):
        return today if resident else None
    return resident


def last_day(began_on: date, today: date) -> date:
    """Return the last day of a residency that is ended today, inclusive.

    One that has not begun never was: it ends on the day before it begins.
    """
    return max(today, began_on - timedelta(days=1))


def is_resident(began_on: date, ended_on: date | None, today: date) -> bool:
    """Say whether a residency holds on a day; both its days are part of it."""
    return began_on <= today and (ended_on is None or today <= ended_on)
