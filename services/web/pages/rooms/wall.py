"""Days, weeks and times of a wall clock, as people write and read them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.web.rendering import instant

HALF_HOUR = timedelta(minutes=30)
_MIDNIGHT = "24:00"
_YEARS = range(1900, 2201)


def day_of(text: str) -> date | None:
    """Return the day that YYYY-MM-DD names, or None."""
    try:
        day = date.fromisoformat(text) if len(text) == len("2023-10-12") else None
    except ValueError:
        return None
    return day if day and day.year in _YEARS else None


def is_wall(text: str) -> bool:
    """Say whether a text is a wall time, HH:MM; 24:00 is the end of a day."""
    if text == _MIDNIGHT:
        return True
    try:
        return len(text) == len("09:00") and time.fromisoformat(text).isoformat("minutes") == text
    except ValueError:
        return False


def at_wall(day: date, wall: str, zone: ZoneInfo) -> datetime:
    """Return the instant of a wall time, in UTC."""
    if wall == _MIDNIGHT:
        day, wall = day + timedelta(days=1), "00:00"
    local = datetime.combine(day, time.fromisoformat(wall), tzinfo=zone)
    return local.astimezone(UTC)


def wall_of(at: datetime, day: date) -> str:
    """Return the wall time of a local instant, HH:MM; 24:00 where it is the end of the day."""
    return _MIDNIGHT if at.date() > day else f"{at:%H:%M}"


def free_in(told: Mapping[str, Any], zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Return when a room is free by its availability as the API tells it, in local time."""
    return [
        (instant(each["starts_at"]).astimezone(zone), instant(each["ends_at"]).astimezone(zone))
        for each in told["free"]
    ]


def week_of(text: str) -> date | None:
    """Return the Monday of the week that 2023-W41 names, or None."""
    year, _, week = text.partition("-W")
    if not (year.isascii() and year.isdigit() and week.isascii() and week.isdigit()):
        return None
    try:
        monday = date.fromisocalendar(int(year), int(week), 1)
    except (ValueError, OverflowError):
        return None
    return monday if monday.year in _YEARS else None


def week_name(day: date) -> str:
    """Return the name of a day's week, 2023-W41."""
    return f"{day:%G-W%V}"


def monday_of(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def minutes_of(wall: str) -> int:
    """Return the minutes from midnight to a wall time."""
    return int(wall[:2]) * 60 + int(wall[3:])
