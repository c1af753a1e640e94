"""Dates, times and numbers as people in each language write them: for letters and for pages."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_timezone_name

_LOCALES = {"sv": "sv_SE", "en": "en_GB", "ar": "ar"}
_CLOCK = {"sv": "H.mm", "en": "HH:mm", "ar": "H.mm"}
_MIDNIGHT = {"sv": "24.00", "en": "24:00", "ar": "24.00"}
_JOIN = {"sv": " kl. ", "en": " at ", "ar": "، الساعة "}
_COMMA = {"sv": ", ", "en": ", ", "ar": "، "}
_HOURS = {"sv": "{}–{}", "en": "{}–{}", "ar": "من {} إلى {}"}
_DAYS = {"sv": "{} – {}", "en": "{} – {}", "ar": "من {} إلى {}"}
_DECIMAL = {"sv": ",", "en": ".", "ar": "٫"}
_THOUSANDS = {"sv": "\N{NARROW NO-BREAK SPACE}", "en": ",", "ar": "\N{NARROW NO-BREAK SPACE}"}


def day(at: datetime | date, zone: str, language: str) -> str:
    """Return the day: "torsdag 19 oktober 2023", "Thursday 19 October 2023"."""
    return format_date(local_day(at, zone), "EEEE d MMMM y", locale=_LOCALES[language])


def day_in_year(at: datetime | date, zone: str, language: str) -> str:
    """Return the day where the year is known: "torsdag 19 oktober"."""
    return format_date(local_day(at, zone), "EEEE d MMMM", locale=_LOCALES[language])


def month(at: datetime | date, zone: str, language: str) -> str:
    """Return the month: "oktober 2023"."""
    return format_date(local_day(at, zone), "LLLL y", locale=_LOCALES[language])


def short_month(at: datetime | date, zone: str, language: str) -> str:
    """Return the month in short, without a dot: "okt"."""
    return format_date(local_day(at, zone), "MMM", locale=_LOCALES[language]).rstrip(".")


def short_weekday(at: datetime | date, zone: str, language: str) -> str:
    """Return the day of the week in short, without a dot: "tors"."""
    return format_date(local_day(at, zone), "EEE", locale=_LOCALES[language]).rstrip(".")


def clock(at: datetime, zone: str, language: str) -> str:
    """Return the time of day: "9.00", "09:00"."""
    local = at.astimezone(ZoneInfo(zone))
    return format_time(local.time(), _CLOCK[language], locale=_LOCALES[language])


def moment(at: datetime, zone: str, language: str) -> str:
    """Return day and time: "torsdag 19 oktober 2023 kl. 9.00"."""
    return day(at, zone, language) + _JOIN[language] + clock(at, zone, language)


def hours(starts_at: datetime, ends_at: datetime, zone: str, language: str) -> str:
    """Return a stretch of a day: "9.00–12.00"; in words where digits would read backwards.

    Midnight at the end of a day is 24.00 of that day.
    """
    begin, end = (at.astimezone(ZoneInfo(zone)) for at in (starts_at, ends_at))
    last = _MIDNIGHT[language] if _is_midnight_after(begin, end) else clock(ends_at, zone, language)
    return _HOURS[language].format(clock(starts_at, zone, language), last)


def span(starts_at: datetime, ends_at: datetime, zone: str, language: str) -> str:
    """Return a stretch of time: "torsdag 19 oktober 2023, 9.00–12.00".

    Midnight at the end of a day is 24.00 of that day.
    """
    begin, end = (at.astimezone(ZoneInfo(zone)) for at in (starts_at, ends_at))
    if begin.date() == end.date() or _is_midnight_after(begin, end):
        times = hours(starts_at, ends_at, zone, language)
        return day(starts_at, zone, language) + _COMMA[language] + times
    return _DAYS[language].format(
        moment(starts_at, zone, language), moment(ends_at, zone, language)
    )


def zone_name(at: datetime, zone: str, language: str) -> str:
    """Return what people call the zone at that time: "centraleuropeisk sommartid"."""
    local = at.astimezone(ZoneInfo(zone))
    return get_timezone_name(local, width="long", locale=_LOCALES[language])


def number(value: int | float | Decimal, language: str, decimals: int | None = None) -> str:
    """Return a number: "6 800", "4,3"; `decimals` are shown as asked, else as many as there are."""
    figure = Decimal(str(value))
    text = f"{figure:,}" if decimals is None else f"{figure:,.{decimals}f}"
    marks = {",": _THOUSANDS[language], ".": _DECIMAL[language]}
    return "".join(marks.get(each, each) for each in text)


def local_day(at: datetime | date, zone: str) -> date:
    """Return the calendar day of an instant in its zone; a day is itself."""
    return at.astimezone(ZoneInfo(zone)).date() if isinstance(at, datetime) else at


def _is_midnight_after(begin: datetime, end: datetime) -> bool:
    return end.time() == time(0) and end.date() == begin.date() + timedelta(days=1)
