"""Times and numbers as each language writes them on a page."""

from datetime import UTC, datetime

import pytest

from services.web.rendering import Filters
from shared import dates

ZONE = "Europe/Stockholm"
NINE, TWELVE = datetime(2023, 10, 19, 7, tzinfo=UTC), datetime(2023, 10, 19, 10, tzinfo=UTC)
MIDNIGHT = datetime(2023, 10, 19, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "told"),
    [("sv", "9.00–12.00"), ("en", "09:00–12:00"), ("ar", "من 9.00 إلى 12.00")],
)
def test_a_stretch_of_a_day(language: str, told: str) -> None:
    """Dots in Swedish, colons in English, words in Arabic: bare digits would read backwards."""
    assert dates.hours(NINE, TWELVE, ZONE, language) == told


@pytest.mark.parametrize(
    ("language", "told"), [("sv", "9.00–24.00"), ("en", "09:00–24:00"), ("ar", "من 9.00 إلى 24.00")]
)
def test_midnight_ends_its_day(language: str, told: str) -> None:
    """What ends at midnight ends at 24 of the day it began."""
    assert dates.hours(NINE, MIDNIGHT, ZONE, language) == told


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("sv", "torsdag 19 oktober 2023, 9.00–12.00"),
        ("en", "Thursday 19 October 2023, 09:00–12:00"),
        ("ar", "الخميس 19 أكتوبر 2023، من 9.00 إلى 12.00"),
    ],
)
def test_a_day_with_its_times(language: str, told: str) -> None:
    """The comma is the language's own, the digits are Western in all."""
    assert dates.span(NINE, TWELVE, ZONE, language) == told


@pytest.mark.parametrize(
    ("language", "month", "weekday"), [("sv", "okt", "tors"), ("en", "Oct", "Thu")]
)
def test_short_words_have_no_dots(language: str, month: str, weekday: str) -> None:
    """A tile says tors and okt, not tors. and okt."""
    assert dates.short_month(NINE, ZONE, language) == month
    assert dates.short_weekday(NINE, ZONE, language) == weekday


@pytest.mark.parametrize(
    ("value", "decimals", "language", "told"),
    [
        (6800, None, "sv", "6\u202f800"),
        (4.25, 1, "sv", "4,2"),
        ("4.3", None, "sv", "4,3"),
        (1234567.5, 1, "en", "1,234,567.5"),
        (0, None, "ar", "0"),
        (-1200, None, "sv", "-1\u202f200"),
    ],
)
def test_numbers(value: float, decimals: int | None, language: str, told: str) -> None:
    """A decimal comma and a thin space in Swedish, points and commas in English."""
    assert Filters(language, ZONE).number(value, decimals) == told


def test_templates_take_times_as_the_api_writes_them() -> None:
    """An instant in UTC becomes wall time with its offset; a day stays one."""
    told = Filters("sv", ZONE).all()
    assert told["time"]("2023-10-19T07:00:00Z") == "9.00"
    assert told["datetime_attr"]("2023-10-19T07:00:00Z") == "2023-10-19T09:00+02:00"
    assert told["datetime_attr"]("2023-10-19") == "2023-10-19"
    assert told["day"]("2023-10-19") == "torsdag 19 oktober 2023"
