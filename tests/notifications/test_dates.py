"""Dates and times read as people in each language write them."""

from datetime import UTC, datetime

import pytest

from services.notifications.rules import in_language, recipient_hash, sweep_at
from shared import dates

MALMO = "Europe/Stockholm"


def at(text: str) -> datetime:
    """Return an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "end", "language", "reads"),
    [
        ("2023-10-19T07:00", "2023-10-19T10:00", "sv", "torsdag 19 oktober 2023, 9.00–12.00"),
        ("2023-10-19T07:00", "2023-10-19T10:00", "en", "Thursday 19 October 2023, 09:00–12:00"),
        ("2023-12-19T17:30", "2023-12-19T23:00", "sv", "tisdag 19 december 2023, 18.30–24.00"),
        ("2023-12-19T17:30", "2023-12-19T23:00", "en", "Tuesday 19 December 2023, 18:30–24:00"),
        (
            "2023-10-28T16:00",
            "2023-10-29T11:00",
            "sv",
            "lördag 28 oktober 2023 kl. 18.00 – söndag 29 oktober 2023 kl. 12.00",
        ),
    ],
)
def test_a_stretch_of_time(begin: str, end: str, language: str, reads: str) -> None:
    """One day shows its date once, midnight ends a day, and the clocks' change is kept to."""
    assert dates.span(at(begin), at(end), MALMO, language) == reads


def test_the_zone_has_a_name() -> None:
    """Whoever is elsewhere reads which time is meant, in summer and in winter."""
    assert dates.zone_name(at("2023-07-01T10:00"), MALMO, "sv") == "centraleuropeisk sommartid"
    assert dates.zone_name(at("2023-12-01T10:00"), MALMO, "en") == "Central European Standard Time"


def test_a_title_is_found_in_some_language() -> None:
    """The recipient's, else Swedish, else whatever there is."""
    assert in_language({"sv": "Hälsa", "en": "Health"}, "en") == "Health"
    assert in_language({"sv": "Hälsa"}, "en") == "Hälsa"
    assert in_language({"ar": "صحة"}, "en") == "صحة"


def test_a_recipient_cannot_be_followed_over_messages() -> None:
    """The same address stands for itself within a message, and differs in the next."""
    assert recipient_hash("m1", "Asa@example.org ") == recipient_hash("m1", "asa@example.org")
    assert recipient_hash("m1", "asa@example.org") != recipient_hash("m2", "asa@example.org")


def test_the_sweep_is_in_the_night_after() -> None:
    """At most once a day, and never before what is kept has had its time."""
    assert sweep_at(at("2023-05-01T00:00")) == at("2023-05-02T02:00")
    assert sweep_at(at("2023-05-01T23:59")) == at("2023-05-02T02:00")
