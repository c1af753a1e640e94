"""An event: when, where, in which language, and the form to register."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from services.web.neighbours import Away, Refused
from services.web.page import Page, PageDep, page_router
from services.web.pages import programme
from services.web.pages.calendars import MEDIA_TYPE, calendar_of
from services.web.rendering import instant
from services.web.words import WORDS, titled
from shared import dates

router = page_router()


@router.get("/{lang}/events/{event_id}")
async def show_event(page: PageDep, event_id: str) -> Response:
    """An event: when, where, in which language, and a form to register."""
    return await event_page(page, event_id)


@router.get("/{lang}/events/{event_id}/calendar.ics")
async def save_event(page: PageDep, event_id: str) -> Response:
    """An event as a file for a calendar."""
    event, rooms = await asyncio.gather(event_of(page, event_id), rooms_by_id(page))
    return page.file(calendar_of(page, [event], rooms), MEDIA_TYPE, "andan.ics")


async def event_of(page: Page, event_id: str) -> Mapping[str, Any]:
    """Return an event of the API; raises Refused where there is none."""
    if not event_id.isascii() or len(event_id) > 64:
        raise Refused(404, {})
    found: Mapping[str, Any] = await page.api.get(f"/v1/events/{event_id}")
    return found


async def rooms_by_id(page: Page) -> dict[str, Any]:
    """Return all rooms by their ids, and `where` they are; none where booking is away."""
    try:
        rooms, venues = await asyncio.gather(
            page.api.every("/v1/rooms"), page.api.every("/v1/venues")
        )
    except Away:
        return {}
    names = {each["id"]: each["name"] for each in venues}
    return {
        each["id"]: {**each, "where": f"{each['name']}, {names[each['venue_id']]}"}
        for each in rooms
    }


async def event_page(
    page: Page,
    event_id: str,
    *,
    errors: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Response:
    """Return the page of an event, perhaps with what is wrong in its form."""
    event, rooms = await asyncio.gather(event_of(page, event_id), rooms_by_id(page))
    title, title_lang = titled(event["titles"], page.lang)
    summary, summary_lang = titled(event["summaries"], page.lang)
    return page.render(
        "events/event.html",
        422 if errors else 200,
        event=event,
        title=title,
        title_lang=title_lang,
        summary=summary,
        summary_lang=summary_lang,
        state=programme.state_of(event, page.now),
        pills=programme.pills_of(page, event),
        place=programme.place_of(page, event, rooms),
        room=rooms.get(event["room_id"] or ""),
        sessions=_sessions(page, event),
        errors=dict(errors or {}),
        values=dict(values or {"language": page.lang if page.lang != "ar" else "sv"}),
        sectors=[(key, page.word(key, "sector")) for key in WORDS["sector"]],
        needs=needs_of(page),
    )


def needs_of(page: Page) -> list[tuple[str, str]]:
    """Return what somebody may need, in words."""
    return [
        ("interpreter", page.gettext("An interpreter")),
        ("sign-language", page.gettext("Sign language")),
        ("step-free", page.gettext("A way without steps")),
        ("hearing-loop", page.gettext("A hearing loop")),
        ("food", page.gettext("Other food")),
    ]


def _sessions(page: Page, event: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the parts of an event by day and time."""
    return [
        {
            "day": dates.day_in_year(instant(each["starts_at"]), event["time_zone"], page.lang),
            "hours": dates.hours(
                instant(each["starts_at"]), instant(each["ends_at"]), event["time_zone"], page.lang
            ),
            "mode": page.word(each["mode"], "mode"),
        }
        for each in event["sessions"]
    ]
