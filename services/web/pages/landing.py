"""The way in: the language at `/`, the assets, and the house with what happens next."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.web.neighbours import Away, Refused, written
from services.web.page import House, Page, PageDep, language_of, page_router
from services.web.pages import programme
from services.web.pages.rooms.names import equipment_names
from services.web.pages.rooms.wall import at_wall
from services.web.rendering import instant
from services.web.words import titled
from shared import dates

NEXT_EVENTS = 6
WINDOWS = 8
EQUIPMENT_SHOWN = 4

router = page_router()


@router.get("/")
async def show_root(request: Request) -> Response:
    """Send a visitor to the pages in the language that the browser wants most."""
    language = language_of({}, request.headers.get("accept-language", ""))
    headers = {"Vary": "Accept-Language", "Cache-Control": "no-cache"}
    return RedirectResponse(f"/{language}/", 307, headers=headers)


@router.get("/{lang}")
async def show_language(page: PageDep) -> Response:
    """A language without a slash is the landing page too."""
    return page.redirect("/")


@router.get("/assets/{name}")
async def show_asset(name: str, request: Request) -> Response:
    """Answer with a file that pages load."""
    house: House = request.app.state.house
    answer = house.rendering.assets.answer(name)
    if answer is None:
        raise HTTPException(404)
    return answer


@router.get("/favicon.ico")
async def show_icon(request: Request) -> Response:
    """The icon, for browsers that do not read the page first."""
    return await show_asset("icon.svg", request)


@router.get("/{lang}/")
async def show_house(page: PageDep) -> Response:
    """The house: which rooms are in use now, what happens next, a room to be found."""
    venue, rooms, states, events, themes = await asyncio.gather(
        _or_none(page.api.get("/v1/venues", limit=1)),
        _or_none(page.api.get("/v1/rooms", limit=100)),
        _or_none(page.api.get("/v1/availability", _rest_of_today(page))),
        _or_none(page.api.get("/v1/events", {"from": written(page.now), "limit": 40})),
        _or_none(page.api.get("/v1/themes", year=page.now.year, limit=100)),
    )
    found_rooms = rooms["items"] if rooms else []
    found_events = events["items"] if events else []
    found_states = {each["room_id"]: each for each in states["items"]} if states else {}
    windows = _windows(page, found_rooms[:WINDOWS], found_states, found_events)
    names = {each["id"]: {**each, "where": each["name"]} for each in found_rooms}
    return page.render(
        "landing/house.html",
        title=venue["items"][0]["name"] if venue and venue["items"] else "Andan",
        windows=windows,
        sentence=_sentence(page, windows),
        events=None
        if events is None
        else [programme.row_of(page, each, names) for each in found_events[:NEXT_EVENTS]],
        filters=_filters(page, found_events, themes["items"] if themes else []),
        equipment=_equipment(page, found_rooms),
        day=dates.local_day(page.now, page.zone).isoformat(),
    )


async def _or_none(asked: Any) -> Any:
    """Return the answer, or None where a neighbour is away: the page shows the rest."""
    try:
        return await asked
    except (Away, Refused):
        return None


def _windows(
    page: Page,
    rooms: Sequence[Mapping[str, Any]],
    states: Mapping[str, Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return what the macro `window` takes of each room: lit where it is in use now."""
    open_to_all = {
        each["room_id"]: titled(each["titles"], page.lang)[0]
        for each in events
        if each["room_id"] and instant(each["starts_at"]) <= page.now < instant(each["ends_at"])
    }
    return [
        {
            "href": f"/{page.lang}/rooms/{room['id']}",
            "name": room["name"],
            **_light(page, room, states.get(room["id"]), open_to_all.get(room["id"])),
        }
        for room in rooms
    ]


def _rest_of_today(page: Page) -> dict[str, Any]:
    end = at_wall(dates.local_day(page.now, page.zone), "24:00", ZoneInfo(page.zone))
    return {"from": written(page.now), "to": written(end), "limit": 100}


def _light(
    page: Page, room: Mapping[str, Any], state: Mapping[str, Any] | None, title: str | None
) -> dict[str, Any]:
    """Return whether a window is lit, and the words that say it."""
    if state is None:
        return {"lit": None, "words": page.gettext("State unknown")}
    taken, free = _running(state["busy"], page.now), _running(state["free"], page.now)
    if taken is not None:
        until = dates.clock(taken, room["time_zone"], page.lang)
        if title:
            words = page.gettext("%(title)s, until %(time)s", title=title, time=until)
        else:
            words = page.gettext("In use until %(time)s", time=until)
        return {"lit": True, "words": words}
    if free is None:
        return {"lit": False, "words": page.gettext("Closed now")}
    if all(instant(span["starts_at"]) < free for span in state["busy"]):
        return {"lit": False, "words": page.gettext("Free for the rest of the day")}
    until = dates.clock(free, room["time_zone"], page.lang)
    return {"lit": False, "words": page.gettext("Free until %(time)s", time=until)}


def _running(spans: Sequence[Mapping[str, Any]], now: datetime) -> datetime | None:
    """Return the end of what is going on now: spans that touch are one."""
    end: datetime | None = None
    for span in sorted(spans, key=lambda each: str(each["starts_at"])):
        if instant(span["starts_at"]) <= (end or now) < instant(span["ends_at"]):
            end = instant(span["ends_at"])
    return end


def _sentence(page: Page, windows: Sequence[Mapping[str, Any]]) -> str:
    known = [each for each in windows if each["lit"] is not None]
    if not known:
        return page.gettext("Rooms and meetings for everybody.")
    lit = sum(1 for each in known if each["lit"])
    if lit == 0:
        return page.gettext("All windows are dark just now.")
    return page.ngettext(
        "Just now there is light in %(num)s room of %(all)s.",
        "Just now there is light in %(num)s rooms of %(all)s.",
        lit,
        all=len(known),
    )


def _filters(
    page: Page, events: Sequence[Mapping[str, Any]], themes: Sequence[Mapping[str, Any]]
) -> dict[str, list[tuple[str, str]]]:
    """Return the choices of the small form that leads to the calendar."""
    every = [("", page.gettext("All"))]
    named = {each["id"]: titled(each["titles"], page.lang)[0] for each in themes}
    used = {each["theme_id"] for each in events}
    formats = sorted({each["format"] for each in events})
    spoken = sorted({language for each in events for language in each["languages"]})
    return {
        "theme": every + [(key, words) for key, words in named.items() if key in used],
        "format": every + [(each, page.word(each, "format")) for each in formats],
        "language": every + [(each, page.word(each, "language")) for each in spoken],
    }


def _equipment(page: Page, rooms: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return what most rooms have, as choices."""
    counts: dict[str, int] = {}
    for room in rooms:
        for word in room["equipment"]:
            counts[word] = counts.get(word, 0) + 1
    common = sorted(counts, key=lambda word: (-counts[word], word))[:EQUIPMENT_SHOWN]
    names = equipment_names(page.gettext)
    return sorted(((word, names.get(word, word)) for word in common), key=lambda pair: pair[1])
