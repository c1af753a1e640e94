"""Messages about May 2023 that the tests of reporting's doors let it hear."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.contracts import booking, events, surveys
from shared.contracts.words import EventFormat, PartnerRole, Sector

STARTS = datetime(2023, 5, 4, 15, tzinfo=UTC)


def checked_in(booking_id: str, people: int = 12) -> booking.BookingCheckedIn:
    """Return a gathering."""
    return booking.BookingCheckedIn(
        booking_id=booking_id,
        room_id="r1",
        venue_id="v1",
        starts_at=STARTS,
        ends_at=STARTS + timedelta(hours=2),
        time_zone="Europe/Stockholm",
        local_date=date(2023, 5, 4),
        expected_people=10,
        people=people,
    )


def published(event_id: str, title: str) -> events.EventPublished:
    """Return a dialogue with one ally."""
    return events.EventPublished(
        event_id=event_id,
        format=EventFormat.DIALOGFORUM,
        titles={"sv": title, "en": "Equal health"},
        capacity=80,
        starts_at=STARTS,
        ends_at=STARTS + timedelta(hours=2),
        time_zone="Europe/Stockholm",
        local_date=date(2023, 5, 4),
        year=2023,
        partners=[events.Partner(organisation_id="o1", role=PartnerRole.ALLY)],
    )


def rescheduled(event_id: str, year: int) -> events.EventRescheduled:
    """Return the same dialogue moved to another year."""
    starts_at = STARTS.replace(year=year)
    return events.EventRescheduled(
        **published(event_id, "Jämlik hälsa").model_dump()
        | {
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(hours=2),
            "local_date": starts_at.date(),
            "year": year,
            "previous_starts_at": STARTS,
            "previous_ends_at": STARTS,
        }
    )


def heads(
    event_id: str, people: int, sector: Sector | None = Sector.BUSINESS, count_id: str = "c1"
) -> events.HeadsCounted:
    """Return people counted at a dialogue."""
    return events.HeadsCounted(
        event_id=event_id, year=2023, count_id=count_id, people=people, sector=sector
    )


def released(event_id: str, **said: Any) -> surveys.ResultReleased:
    """Return a released mean of 4.0, unless something else is said."""
    bars = [
        surveys.RatingBar(lowest=1, highest=3, answers=12),
        surveys.RatingBar(lowest=4, highest=5, answers=38),
    ]
    mean = {"rule": "mean", "answered": 50, "mean": "4.0", "bars": bars}
    return surveys.ResultReleased.model_validate(
        {
            "survey_id": f"s-{event_id}",
            "event_id": event_id,
            "year": 2023,
            "attended": 80,
            **(said or mean),
        }
    )


def quoted(quote_id: str, text: str, event_id: str | None = None) -> surveys.QuoteApproved:
    """Return words that may be read."""
    return surveys.QuoteApproved(
        quote_id=quote_id, year=2023, event_id=event_id, text=text, language="sv"
    )
