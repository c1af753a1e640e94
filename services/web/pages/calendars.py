"""Events and registrations as files for a calendar (RFC 5545)."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from icalendar import Calendar, Timezone
from icalendar import Event as Entry

from services.web.page import Page
from services.web.pages import programme
from services.web.rendering import instant
from services.web.words import titled

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
PRODUCT: Final = "-//Andan//Pages//EN"


def calendar_of(
    page: Page,
    events: Iterable[Mapping[str, Any]],
    rooms: Mapping[str, Any],
    *,
    registration_id: str | None = None,
) -> bytes:
    """Return the file of these events.

    With `registration_id` the entry is the one that the letters of that registration carry, so
    that a calendar has it once.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Andan")
    zones: set[tuple[str, int]] = set()
    entries = []
    for event in events:
        zones.add((event["time_zone"], instant(event["starts_at"]).year))
        entries.append(_entry(page, event, rooms, registration_id))
    for zone, year in sorted(dict(sorted(zones, reverse=True)).items()):
        calendar.add_component(_time_zone(zone, year))
    for entry in entries:
        calendar.add_component(entry)
    content: bytes = calendar.to_ical()
    return content


def _entry(
    page: Page,
    event: Mapping[str, Any],
    rooms: Mapping[str, Any],
    registration_id: str | None,
) -> Entry:
    zone = ZoneInfo(event["time_zone"])
    host = urlsplit(page.house.source).hostname or "andan.example"
    entry = Entry()
    kind = f"registration-{registration_id}" if registration_id else f"event-{event['id']}"
    entry.add("uid", f"{kind}@{host}")
    entry.add("dtstamp", page.now)
    entry.add("dtstart", instant(event["starts_at"]).astimezone(zone))
    entry.add("dtend", instant(event["ends_at"]).astimezone(zone))
    entry.add("summary", titled(event["titles"], page.lang)[0])
    entry.add("status", "CANCELLED" if event["status"] == "cancelled" else "CONFIRMED")
    if place := programme.place_of(page, event, rooms):
        entry.add("location", place)
    entry.add("url", f"{page.house.source}/{page.lang}/events/{event['id']}")
    return entry


@lru_cache(maxsize=200)
def _time_zone(zone: str, year: int) -> Timezone:
    """Return the VTIMEZONE of a zone, good for the year before and the two after."""
    found: Timezone = Timezone.from_tzinfo(
        ZoneInfo(zone), zone, first_date=date(year - 1, 1, 1), last_date=date(year + 2, 12, 31)
    )
    return found
