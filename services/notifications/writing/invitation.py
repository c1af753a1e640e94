"""The calendar file of a letter: RFC 5545, sent as RFC 5546 says, so that clients update it."""

from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, vCalAddress, vText

from services.notifications.letter import Letter

PRODUCT = "-//Andan//Notifications//EN"


def calendar_file(letter: Letter, address: str, organizer: str) -> str:
    """Return the iCalendar text of a letter that has an invitation.

    The attendee is marked as having accepted: the place is theirs, and no answer is asked for.
    """
    invitation, zone = letter.invitation, letter.time_zone
    assert invitation is not None
    assert letter.starts_at is not None
    assert letter.ends_at is not None
    assert zone is not None
    cancelled = invitation.method == "CANCEL"
    event = Event()
    event.add("uid", invitation.uid)
    event.add("sequence", invitation.sequence)
    event.add("dtstamp", letter.written_at)
    event.add("dtstart", letter.starts_at.astimezone(ZoneInfo(zone)))
    event.add("dtend", letter.ends_at.astimezone(ZoneInfo(zone)))
    event.add("summary", letter.title)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")
    if letter.place:
        event.add("location", letter.place)
    if letter.link and not cancelled:
        event.add("url", letter.link)
    if letter.online_url and not cancelled:
        event.add("description", letter.online_url)
    event.add("organizer", vCalAddress(f"mailto:{organizer}"))
    attendee = vCalAddress(f"mailto:{address}")
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("ACCEPTED")
    attendee.params["RSVP"] = vText("FALSE")
    event.add("attendee", attendee)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", invitation.method)
    calendar.add_component(event)
    head, begin, rest = calendar.to_ical().decode().partition("BEGIN:VEVENT\r\n")
    return f"{head}{_time_zone(zone, letter.starts_at.year)}{begin}{rest}"


@lru_cache(maxsize=200)
def _time_zone(zone: str, year: int) -> str:
    """Return the VTIMEZONE of a zone, good for the year before and the two after."""
    found = Timezone.from_tzinfo(
        ZoneInfo(zone), zone, first_date=date(year - 1, 1, 1), last_date=date(year + 2, 12, 31)
    )
    text: str = found.to_ical().decode()
    return text
