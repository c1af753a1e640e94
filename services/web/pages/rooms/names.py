"""Words about rooms: their facts, their equipment, times of a day."""

from collections.abc import Callable, Mapping
from typing import Any

from services.web.page import Page
from services.web.pages.rooms.wall import minutes_of
from services.web.pages.speech import speech
from services.web.rendering import wall_clock

Say = Callable[..., str]


def equipment_names(_: Say) -> dict[str, str]:
    """Return the name of each piece of equipment that has one; others stand as they are."""
    return {
        "projector": _("projector"),
        "hearing-loop": _("hearing loop"),
        "stage": _("stage"),
        "whiteboard": _("whiteboard"),
        "tools": _("tools"),
        "screen": _("screen"),
        "kitchen": _("kitchen"),
    }


def equipment(_: Say, words: list[str]) -> str:
    """Return a room's equipment in a sentence's words."""
    names = equipment_names(_)
    return _(", ").join(names.get(word.casefold(), word) for word in words)


def short(lang: str, wall: str) -> str:
    """Return a wall time as short as it can be read: 9, 9.30; in English 09:00."""
    return wall if lang == "en" else wall_clock(wall, lang).removesuffix(".00")


def times(_: Say, lang: str, starts: str, ends: str) -> str:
    """Return from when to when; in words where the language runs from the right."""
    from_, to = wall_clock(starts, lang), wall_clock(ends, lang)
    return _("%(start)s–%(end)s", start=from_, end=to)


def short_times(_: Say, lang: str, starts: str, ends: str) -> str:
    """Return from when to when, as short as it can be read."""
    return _("%(start)s–%(end)s", start=short(lang, starts), end=short(lang, ends))


def length(page: Page, minutes: int) -> str:
    """Return how long something is."""
    hours, rest = divmod(minutes, 60)
    parts = []
    if hours:
        parts.append(speech(page).ngettext("%(num)s hour", "%(num)s hours", hours))
    if rest:
        parts.append(speech(page).ngettext("%(num)s minute", "%(num)s minutes", rest))
    return " ".join(parts)


def facts(page: Page, room: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is known of a room, as pairs of what and its words."""
    _ = page.gettext
    found = [
        (_("Holds"), speech(page).ngettext("%(num)s person", "%(num)s people", room["capacity"]))
    ]
    if room["equipment"]:
        words = equipment(_, room["equipment"])
        found.append((_("Equipment"), words[:1].upper() + words[1:]))
    opening = times(_, page.lang, room["opens_at"], room["closes_at"])
    found.append((_("Open"), _("Every day %(times)s", times=opening)))
    if room["needs_approval"]:
        found.append((_("Booking"), _("The staff answers each request")))
    else:
        found.append((_("Booking"), _("Confirmed at once where the time is free")))
    return found


def summary(page: Page, room: Mapping[str, Any]) -> str:
    """Return what is known of a room in a line."""
    _ = page.gettext
    parts = [speech(page).ngettext("%(num)s person", "%(num)s people", room["capacity"])]
    if room["equipment"]:
        parts.append(equipment(_, room["equipment"]))
    return _(", ").join(parts)


def minutes_between(starts: str, ends: str) -> int:
    """Return the minutes from one wall time to a later one."""
    return minutes_of(ends) - minutes_of(starts)
