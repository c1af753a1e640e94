"""A room: what it is, the form to book it, and its week."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Response

from services.web.neighbours import Away, Refused, written
from services.web.page import Page, PageDep, page_router
from services.web.pages.rooms.names import facts, short, short_times, times
from services.web.pages.rooms.wall import (
    at_wall,
    minutes_of,
    monday_of,
    week_name,
    week_of,
)
from services.web.pages.rooms.week import Day, Hours, Span, Stretch, week
from services.web.pages.speech import speech
from services.web.rendering import instant

router = page_router()
USUAL_MINUTES = 120
"""How long a booking is taken to be until somebody says otherwise."""


@router.get("/{lang}/rooms/{room_id}")
async def show_room(page: PageDep, room_id: str, week: str = "") -> Response:
    """Show a room and a week of it; this week where none, or none that exists, is asked for."""
    _ = page.gettext
    room = await page.api.get(f"/v1/rooms/{room_id}")
    zone = ZoneInfo(room["time_zone"])
    today = page.now.astimezone(zone).date()
    asked = week_of(week) if week else None
    monday = asked or monday_of(today)
    retired = None
    if room["retired_on"]:
        retired = _(
            "The room is closed for good since %(day)s.",
            day=speech(page).day(date.fromisoformat(room["retired_on"])),
        )
    first, last = minutes_of(room["opens_at"]) // 60, -(-minutes_of(room["closes_at"]) // 60)
    return page.render(
        "rooms/room.html",
        room=room,
        facts=facts(page, room),
        retired=retired,
        first=first,
        last=last,
        values=_suggested(room, today, page.now.astimezone(zone)),
        week={
            **_frame(page, monday),
            "unknown": _("There is no such week; this one is shown.")
            if week and not asked
            else None,
            "hours": _axis(page, room),
            "days": await _days(page, room, monday, zone),
        },
    )


def _suggested(room: Mapping[str, Any], today: date, now: datetime) -> dict[str, str]:
    """Return the next full hour of today, or tomorrow morning."""
    opens, closes = minutes_of(room["opens_at"]), minutes_of(room["closes_at"])
    start = max(-(-opens // 60) * 60, (now.hour + 1) * 60)
    if start + 60 > closes:
        today, start = today + timedelta(days=1), -(-opens // 60) * 60
    end = min(start + USUAL_MINUTES, closes)
    return {"day": today.isoformat(), "from": _wall(start), "to": _wall(end)}


def _wall(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _frame(page: Page, monday: date) -> dict[str, Any]:
    """Return the words of a week and of its neighbours."""
    _ = page.gettext
    before, after = monday - timedelta(days=7), monday + timedelta(days=7)
    return {
        "title": _(
            "Week %(number)s, %(days)s",
            number=monday.isocalendar().week,
            days=speech(page).days(monday, monday + timedelta(days=6)),
        ),
        "before": {
            "name": week_name(before),
            "words": _("Week %(number)s", number=before.isocalendar().week),
        },
        "after": {
            "name": week_name(after),
            "words": _("Week %(number)s", number=after.isocalendar().week),
        },
    }


def _axis(page: Page, room: Mapping[str, Any]) -> list[dict[str, Any]]:
    hours = Hours(room["opens_at"], room["closes_at"], ZoneInfo(room["time_zone"]))
    return [
        {"n": cells, "words": short(page.lang, _wall(hour * 60)) if hour >= 0 else ""}
        for hour, cells in hours.axis()
    ]


async def _days(
    page: Page, room: Mapping[str, Any], monday: date, zone: ZoneInfo
) -> list[dict[str, Any]]:
    """Return the week for the template; empty where booking does not answer.

    What is over is left out of the narrow list, but where that is the whole week.
    """
    window = {
        "from": written(at_wall(monday, "00:00", zone)),
        "to": written(at_wall(monday + timedelta(days=7), "00:00", zone)),
    }
    try:
        told = await page.api.get(f"/v1/rooms/{room['id']}/availability", window)
    except Away:
        return []
    events = await _events(page, room, window)
    busy = [_span(each, events) for each in told["busy"]]
    free = [_span(each, []) for each in told["free"]]
    hours = Hours(room["opens_at"], room["closes_at"], zone)
    shown = week(monday, hours, busy, free, page.now)
    titles = {each["id"]: speech(page).title(each["titles"]) for each in events}
    days = [_day(page, room, each, titles) for each in shown]
    if all(each.is_over for each in shown):
        days = [{**each, "gone": False} for each in days]
    return days


async def _events(
    page: Page, room: Mapping[str, Any], window: dict[str, str]
) -> list[Mapping[str, Any]]:
    """Return the published events in the room; none where events does not answer."""
    try:
        found = await page.api.every("/v1/events", window)
    except (Away, Refused):
        return []
    return [
        each for each in found if each["room_id"] == room["id"] and each["status"] == "published"
    ]


def _span(told: Mapping[str, str], events: list[Mapping[str, Any]]) -> Span:
    starts_at, ends_at = instant(told["starts_at"]), instant(told["ends_at"])
    event = next(
        (
            each["id"]
            for each in events
            if instant(each["starts_at"]) < ends_at and starts_at < instant(each["ends_at"])
        ),
        None,
    )
    return Span(starts_at, ends_at, event)


def _day(
    page: Page, room: Mapping[str, Any], day: Day, titles: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    closed = None
    if not day.stretches:
        closed = page.gettext("Over") if day.is_over else page.gettext("Closed")
    return {
        "heading": speech(page).short_day(day.day),
        "iso": day.day.isoformat(),
        "today": day.is_today,
        "gone": day.is_over,
        "closed": closed,
        "slots": [_slot(page, room, each, titles) for each in day.stretches],
    }


def _slot(
    page: Page, room: Mapping[str, Any], each: Stretch, titles: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    _ = page.gettext
    words = {
        "free": _("Free"),
        "booked": _("Booked"),
        "past": _("over"),
        "between": _("getting ready"),
    }
    slot: dict[str, Any] = {
        "kind": each.kind,
        "n": each.cells,
        "times": short_times(_, page.lang, each.starts, each.ends),
        "word": words.get(each.kind, ""),
    }
    if each.kind == "open" and each.event:
        slot["word"], slot["lang"] = titles[each.event]
        slot["href"] = f"/{page.lang}/events/{each.event}"
    if each.kind == "free":
        ends = min(minutes_of(each.ends), minutes_of(each.starts) + USUAL_MINUTES)
        query = urlencode({"day": each.day.isoformat(), "from": each.starts, "to": _wall(ends)})
        slot["href"] = f"/{page.lang}/rooms/{room['id']}/book?{query}"
        slot["name"] = _(
            "%(times)s Free, %(day)s",
            times=times(_, page.lang, each.starts, each.ends),
            day=speech(page).day(each.day),
        )
    return slot
