"""Dates and times as people in each language write them."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_timezone_name

_LOCALES = {"sv": "sv_SE", "en": "en_GB"}
_CLOCK = {"sv": "H.mm", "en": "HH:mm"}
_MIDNIGHT = {"sv": "24.00", "en": "24:00"}
_JOIN = {"sv": " kl. ", "en": " at "}


def day(at: datetime, zone: str, language: str) -> str:
    """Return the day: "torsdag 19 oktober 2023", "Thursday 19 October 2023"."""
    local = at.astimezone(ZoneInfo(zone))
    return format_date(local.date(), "EEEE d MMMM y", locale=_LOCALES[language])


def clock(at: datetime, zone: str, language: str) -> str:
    """Return the time of day: "9.00", "09:00"."""
    local = at.astimezone(ZoneInfo(zone))
    return format_time(local.time(), _CLOCK[language], locale=_LOCALES[language])


def moment(at: datetime, zone: str, language: str) -> str:
    """Return day and time: "torsdag 19 oktober 2023 kl. 9.00"."""
    return day(at, zone, language) + _JOIN[language] + clock(at, zone, language)


def span(starts_at: datetime, ends_at: datetime, zone: str, language: str) -> str:
    """Return a stretch of time: "torsdag 19 oktober 2023, 9.00–12.00".

    Midnight at the end of a day is 24.00 of that day.
    """
    begin, end = (at.astimezone(ZoneInfo(zone)) for at in (starts_at, ends_at))
    last = clock(ends_at, zone, language)
    if end.time() == time(0) and end.date() == begin.date() + timedelta(days=1):
        last, end = _MIDNIGHT[language], begin
    if begin.date() == end.date():
        first = clock(starts_at, zone, language)
        return f"{day(starts_at, zone, language)}, {first}–{last}"
    return f"{moment(starts_at, zone, language)} – {moment(ends_at, zone, language)}"


def zone_name(at: datetime, zone: str, language: str) -> str:
    """Return what people call the zone at that time: "centraleuropeisk sommartid"."""
    local = at.astimezone(ZoneInfo(zone))
    return get_timezone_name(local, width="long", locale=_LOCALES[language])
