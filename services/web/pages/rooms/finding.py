"""The list of rooms, and the search for one that is free."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Query, Response

from services.web.forms import count_of
from services.web.neighbours import Away, Refused, written
from services.web.page import Page, PageDep, page_router
from services.web.pages.rooms.names import equipment, equipment_names, length, summary, times
from services.web.pages.rooms.searching import Misfit, Why, Wish, is_open, misfit, other_times
from services.web.pages.rooms.wall import at_wall, day_of, free_in, is_wall
from services.web.pages.speech import speech

router = page_router()
MOST_PEOPLE = 100_000
MOST_ROOMS = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, as it was typed."""

    people: str
    day: str
    starts: str
    ends: str
    needs: Sequence[str]

    @property
    def is_empty(self) -> bool:
        """Say whether nothing was asked for."""
        return not (self.people or self.day or self.starts or self.ends or self.needs)

    def values(self) -> dict[str, Any]:
        """Return what the form is filled with."""
        return {
            "people": self.people,
            "day": self.day,
            "from": self.starts,
            "to": self.ends,
            "need": list(self.needs),
        }


@router.get("/{lang}/rooms")
async def show_rooms(
    page: PageDep,
    people: str = "",
    day: str = "",
    from_: Annotated[str, Query(alias="from")] = "",
    to: str = "",
    need: Annotated[list[str] | None, Query()] = None,
) -> Response:
    """Show all rooms; with a day and times, the free ones first and why the others fell away."""
    asked = Asked(people, day, from_, to, [each for each in need or [] if each][:20])
    listed = await page.api.get("/v1/rooms", limit=MOST_ROOMS)
    rooms: list[Mapping[str, Any]] = listed["items"]
    errors = {} if asked.is_empty else faults(page, asked)
    found = None
    if not asked.is_empty and not errors:
        found = await _found(page, rooms, asked)
    today = page.now.astimezone(ZoneInfo(page.zone)).date().isoformat()
    start = {"people": "", "day": today, "from": "17:00", "to": "19:00", "need": []}
    values = start if asked.is_empty else asked.values()
    return page.render(
        "rooms/list.html",
        status=422 if errors else 200,
        found=found,
        rooms=[_row(page, room) for room in rooms],
        values=values,
        errors=errors,
        equipment=_equipment(page, rooms),
    )


def faults(page: Page, asked: Asked) -> dict[str, str]:
    """Return what is wrong with a wish, by field."""
    _ = page.gettext
    errors = {}
    if asked.people and count_of(asked.people, MOST_PEOPLE) is None:
        errors["people"] = _("Write how many you are as a number, for example 12")
    on = day_of(asked.day)
    if on is None:
        errors["day"] = _("Choose a day")
    for name, wall in (("from", asked.starts), ("to", asked.ends)):
        if not is_wall(wall):
            errors[name] = _("Choose a time")
    if not errors and asked.ends <= asked.starts:
        errors["to"] = _("Choose a time that is later than the first one")
    if not errors and on and at_wall(on, asked.ends, ZoneInfo(page.zone)) <= page.now:
        errors["day"] = _("That time is over; choose a later one")
    return errors


def _equipment(page: Page, rooms: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    names = equipment_names(page.gettext)
    words = sorted({word for room in rooms for word in room["equipment"]})
    labels = [(word, names.get(word.casefold(), word)) for word in words[:12]]
    return [(word, label[:1].upper() + label[1:]) for word, label in labels]


def _row(
    page: Page, room: Mapping[str, Any], words: str = "", choice: dict[str, str] | None = None
) -> dict[str, Any]:
    return {
        "href": f"/{page.lang}/rooms/{room['id']}",
        "name": room["name"],
        "facts": summary(page, room),
        "words": words,
        "choice": choice,
    }


async def _found(page: Page, rooms: Sequence[Mapping[str, Any]], asked: Asked) -> dict[str, Any]:
    _ = page.gettext
    day = day_of(asked.day)
    assert day is not None
    zone = ZoneInfo(page.zone)
    wish = Wish(
        int(asked.people or 1),
        at_wall(day, asked.starts, zone).astimezone(zone),
        at_wall(day, asked.ends, zone).astimezone(zone),
        asked.needs,
    )
    query = {
        "from": written(wish.starts_at),
        "to": written(wish.ends_at),
        "people": wish.people,
        "equipment": wish.needs,
        "limit": MOST_ROOMS,
    }
    free = await page.api.get("/v1/free-rooms", query)
    free_ids = {room["id"] for room in free["items"]}
    others = [room for room in rooms if room["id"] not in free_ids]
    misfits = await asyncio.gather(*(_why(page, room, wish, asked) for room in others))
    later = sorted(
        (each for each in misfits if each.instead),
        key=lambda each: abs((each.instead or wish.starts_at) - wish.starts_at),
    )
    when = speech(page).day(day) + _(", ") + times(_, page.lang, asked.starts, asked.ends)
    if asked.people:
        when += _(", ") + speech(page).ngettext("%(num)s person", "%(num)s people", wish.people)
    return {
        "when": when,
        "free": [
            _row(page, room, choice=_choice(page, room, wish, wish.starts_at, _("Choose")))
            for room in free["items"]
        ],
        "later": [_later(page, each, wish) for each in later],
        "others": [
            _row(page, each.room, _reason(page, each)) for each in misfits if each.instead is None
        ],
    }


async def _why(page: Page, room: Mapping[str, Any], wish: Wish, asked: Asked) -> Misfit:
    """Return why a room fell away, and when else that day it could be had."""
    unfit = misfit(room, wish)
    if unfit:
        return unfit
    why: Why = "taken" if is_open(room, asked.starts, asked.ends) else "closed"
    zone = ZoneInfo(page.zone)
    midnight = wish.starts_at.replace(hour=0, minute=0)
    window = {"from": written(midnight), "to": written(midnight + timedelta(days=1))}
    try:
        told = await page.api.get(f"/v1/rooms/{room['id']}/availability", window)
    except (Refused, Away):
        return Misfit(room, "taken")
    free = free_in(told, zone)
    length_ = wish.ends_at - wish.starts_at
    times_ = other_times(free, wish.starts_at, length_, page.now, most=1)
    return Misfit(room, why, instead=times_[0] if times_ else None)


def _later(page: Page, each: Misfit, wish: Wish) -> dict[str, Any]:
    _ = page.gettext
    at = each.instead or wish.starts_at
    minutes = int((at - wish.starts_at).total_seconds() // 60)
    apart = length(page, abs(minutes))
    words = (
        _("Free %(apart)s later", apart=apart)
        if minutes > 0
        else _("Free %(apart)s earlier", apart=apart)
    )
    ends = at + (wish.ends_at - wish.starts_at)
    label = times(
        _, page.lang, f"{at:%H:%M}", "24:00" if ends.date() > at.date() else f"{ends:%H:%M}"
    )
    return _row(page, each.room, words, _choice(page, each.room, wish, at, label))


def _choice(
    page: Page, room: Mapping[str, Any], wish: Wish, at: datetime, words: str
) -> dict[str, str]:
    ends = at + (wish.ends_at - wish.starts_at)
    query = urlencode(
        {
            "day": at.date().isoformat(),
            "from": f"{at:%H:%M}",
            "to": "24:00" if ends.date() > at.date() else f"{ends:%H:%M}",
            "people": wish.people,
        }
    )
    label = page.gettext("%(what)s: %(room)s", what=words, room=room["name"])
    return {"href": f"/{page.lang}/rooms/{room['id']}/book?{query}", "words": label}


def _reason(page: Page, each: Misfit) -> str:
    _ = page.gettext
    if each.why == "too-small":
        return speech(page).ngettext(
            "Too small: it holds %(num)s person",
            "Too small: it holds %(num)s people",
            each.room["capacity"],
        )
    if each.why == "lacks":
        return _("It has no %(what)s", what=equipment(_, list(each.lacks)))
    if each.why == "closed":
        opening = times(_, page.lang, each.room["opens_at"], each.room["closes_at"])
        return _("Closed then; open %(times)s", times=opening)
    return _("Taken, and not free for so long at another time that day")
