"""Booking a room in two steps: the time in words, then who, how many and what for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Query, Response

from services.web.forms import count_of
from services.web.neighbours import Refused, written
from services.web.page import Page, PageDep, page_router
from services.web.pages.rooms.names import length, minutes_between, times
from services.web.pages.rooms.searching import other_times
from services.web.pages.rooms.wall import (
    at_wall,
    day_of,
    free_in,
    is_wall,
    minutes_of,
    wall_of,
)
from services.web.pages.speech import speech
from services.web.rendering import instant

router = page_router()
OFFERED = 3
MOST_PEOPLE = 100_000


@dataclass(frozen=True, slots=True)
class Time:
    """A stretch of a day in a room, as it was typed."""

    day: str
    starts: str
    ends: str

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Return its instants, or None where it is no stretch of a day."""
        day = day_of(self.day)
        if day is None or not (is_wall(self.starts) and is_wall(self.ends)):
            return None
        if self.ends <= self.starts:
            return None
        return at_wall(day, self.starts, zone), at_wall(day, self.ends, zone)

    def values(self) -> dict[str, str]:
        """Return what the form is filled with."""
        return {"day": self.day, "from": self.starts, "to": self.ends}


@router.get("/{lang}/rooms/{room_id}/book")
async def show_booking(
    page: PageDep,
    room_id: str,
    day: str = "",
    from_: Annotated[str, Query(alias="from")] = "",
    to: str = "",
    people: str = "",
) -> Response:
    """Show a time in words and whether it is free, and the form that books it."""
    room = await page.api.get(f"/v1/rooms/{room_id}")
    return await _shown(page, room, Time(day, from_, to), {"people": people[:7]}, {})


@router.post("/{lang}/rooms/{room_id}/book")
async def book_room(page: PageDep, room_id: str) -> Response:
    """Book the time, or one of those offered instead; nothing typed is lost where it is taken."""
    form = await page.form()
    room = await page.api.get(f"/v1/rooms/{room_id}")
    time = Time(form.text("day"), form.text("from"), form.text("to"))
    chosen = form.text("at").split(" ")
    if len(chosen) == len(("day", "from", "to")):
        time = Time(*chosen)
    names = ("organisation_id", "people", "purpose", "name", "email")
    typed = {name: form.text(name) for name in names}
    errors = _faults(page, room, typed)
    span = time.span(ZoneInfo(room["time_zone"]))
    if errors or span is None:
        return await _shown(page, room, time, typed, errors)
    body: dict[str, Any] = {
        "room_id": room["id"],
        "organisation_id": typed["organisation_id"],
        "purpose": typed["purpose"],
        "starts_at": written(span[0]),
        "ends_at": written(span[1]),
        "expected_people": int(typed["people"]),
    }
    if typed["email"]:
        language = "en" if page.lang == "en" else "sv"
        body["contact"] = {"name": typed["name"], "email": typed["email"], "language": language}
    try:
        booked = await page.api.post("/v1/bookings", body, key=_key(form.key, time))
    except Refused as refused:
        if refused.status in (401, 403):
            return await _shown(
                page, room, time, typed, {"form": _not_allowed(page)}, status=refused.status
            )
        return await _shown(page, room, time, typed, _refusal(page, room, refused))
    return page.redirect(f"/rooms/{room['id']}/booked/{booked['id']}", "done")


def _key(key: str, time: Time) -> str:
    """Return the key of one form and one time: another time from the same form is another wish."""
    return f"{key}-{time.day}-{time.starts}-{time.ends}".replace(":", "")


@router.get("/{lang}/rooms/{room_id}/booked/{booking_id}")
async def show_booked(page: PageDep, room_id: str, booking_id: str) -> Response:
    """Show what was booked, to those who may see bookings."""
    _ = page.gettext
    room = await page.api.get(f"/v1/rooms/{room_id}")
    booking = await page.api.get(f"/v1/bookings/{booking_id}")
    zone = ZoneInfo(booking["time_zone"])
    starts_at, ends_at = (
        instant(booking[each]).astimezone(zone) for each in ("starts_at", "ends_at")
    )
    day = starts_at.date()
    is_asked = booking["status"] == "requested"
    when = (
        speech(page).day(day)
        + _(", ")
        + times(_, page.lang, f"{starts_at:%H:%M}", wall_of(ends_at, day))
    )
    people = speech(page).ngettext("%(num)s person", "%(num)s people", booking["expected_people"])
    facts = [(_("When"), when), (_("Room"), room["name"]), (_("How many"), people)]
    if booking["purpose"]:
        facts.append((_("What for"), booking["purpose"]))
    facts.append((_("State"), speech(page).word(booking["status"], "booking")))
    return page.render(
        "rooms/booked.html",
        room=room,
        heading=_("Your request for %(room)s", room=room["name"])
        if is_asked
        else _("Your booking of %(room)s", room=room["name"]),
        done=_("The request is sent") if is_asked else _("The room is booked"),
        text=_("The staff answers it; the contact gets a mail.")
        if is_asked
        else _("The contact gets a mail with the time."),
        facts=facts,
    )


async def _shown(
    page: Page,
    room: Mapping[str, Any],
    time: Time,
    typed: Mapping[str, str],
    errors: dict[str, str],
    status: int = 422,
) -> Response:
    """Render the step; `errors` of the fields, and what is wrong with the time."""
    _ = page.gettext
    zone = ZoneInfo(room["time_zone"])
    span = time.span(zone)
    is_asked_for = bool(time.day or time.starts or time.ends)
    wrong = {} if not is_asked_for else _time_faults(page, room, time)
    free = await _free(page, room, span[0], zone) if span else []
    is_free = (
        not wrong
        and span is not None
        and any(begin <= span[0] and span[1] <= end for begin, end in free)
    )
    if span and not wrong and not is_free and "form" not in errors:
        wrong["form"] = _("The room is not free at that time.")
    told = {**wrong, **errors}
    may_book = bool(page.signed_in and "booking:write" in page.signed_in)
    is_sent = page.request.method == "POST"
    day = day_of(time.day)
    when, how_long = "", ""
    if span and day:
        when = speech(page).day(day) + _(", ") + times(_, page.lang, time.starts, time.ends)
        how_long = length(page, minutes_between(time.starts, time.ends))
    return page.render(
        "rooms/book.html",
        status=status if told else 200,
        room=room,
        when=when,
        length=how_long,
        is_free=is_free,
        may_book=may_book,
        sent=is_sent,
        organisations=await _organisations(page) if may_book or is_sent else [],
        choices=[] if is_free or not span else _choices(page, room, span, free, typed),
        values={**time.values(), **typed},
        errors=told,
        first=minutes_of(room["opens_at"]) // 60,
        last=-(-minutes_of(room["closes_at"]) // 60),
    )


def _time_faults(page: Page, room: Mapping[str, Any], time: Time) -> dict[str, str]:
    _ = page.gettext
    errors = {}
    if day_of(time.day) is None:
        errors["day"] = _("Choose a day")
    for name, wall in (("from", time.starts), ("to", time.ends)):
        if not is_wall(wall):
            errors[name] = _("Choose a time")
    span = time.span(ZoneInfo(room["time_zone"]))
    if not errors and span is None:
        errors["to"] = _("Choose a time that is later than the first one")
    if span and span[0] < page.now:
        errors["day"] = _("That time is over; choose a later one")
    if not errors and (time.starts < room["opens_at"] or time.ends > room["closes_at"]):
        opening = times(_, page.lang, room["opens_at"], room["closes_at"])
        errors["from"] = _("The room is open %(times)s", times=opening)
    return errors


def _faults(page: Page, room: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, str]:
    _ = page.gettext
    errors = {}
    if not typed["organisation_id"]:
        errors["organisation_id"] = _("Choose who books")
    people = count_of(typed["people"], MOST_PEOPLE)
    if people is None:
        errors["people"] = _("Write how many you are as a number, for example 12")
    elif people > room["capacity"]:
        errors["people"] = speech(page).ngettext(
            "The room holds %(num)s person", "The room holds %(num)s people", room["capacity"]
        )
    if not typed["purpose"]:
        errors["purpose"] = _("Write what it is for")
    elif len(typed["purpose"]) > 300:
        errors["purpose"] = _("Shorten this to 300 characters")
    if typed["email"] and not typed["name"]:
        errors["name"] = _("Write the name of the contact too")
    if typed["name"] and not typed["email"]:
        errors["email"] = _("Write the e-mail address of the contact too")
    return errors


def _refusal(page: Page, room: Mapping[str, Any], refused: Refused) -> dict[str, str]:
    _ = page.gettext
    sentences = {
        "room-taken": _("Somebody else has just taken that time. What you wrote is still here."),
        "closed": _("The room is closed during some of that time."),
        "past": _("That time is over; choose a later one"),
        "too-long": _("A booking is not that long."),
        "unknown-organisation": _("The organisation is not known here yet; try again in a while."),
    }
    if refused.slug in sentences:
        return {"form": sentences[refused.slug]}
    if refused.slug == "too-many-people":
        return {
            "people": speech(page).ngettext(
                "The room holds %(num)s person", "The room holds %(num)s people", room["capacity"]
            )
        }
    wrong = {
        "email": _("Write an e-mail address, like name@example.org"),
        "name": _("Write the name without special signs"),
        "purpose": _("Write what it is for without special signs"),
        "expected_people": _("Write how many you are as a number, for example 12"),
        "organisation_id": _("Choose who books"),
    }
    found = {
        "people" if place == "expected_people" else place: wrong[place]
        for place in sorted(refused.places)
        if place in wrong
    }
    return found or {"form": _("The booking could not be made. What you wrote is still here.")}


def _not_allowed(page: Page) -> str:
    return page.gettext(
        "You are not signed in any more, or may not book. What you wrote is still here."
    )


async def _free(
    page: Page, room: Mapping[str, Any], at: datetime, zone: ZoneInfo
) -> list[tuple[datetime, datetime]]:
    """Return when the room is free on the day and the six after it, in local time."""
    midnight = at.astimezone(zone).replace(hour=0, minute=0)
    window = {"from": written(midnight), "to": written(midnight + timedelta(days=7))}
    told = await page.api.get(f"/v1/rooms/{room['id']}/availability", window)
    return free_in(told, zone)


def _choices(
    page: Page,
    room: Mapping[str, Any],
    span: tuple[datetime, datetime],
    free: list[tuple[datetime, datetime]],
    typed: Mapping[str, str],
) -> list[dict[str, str]]:
    """Return the nearest free times of the same length, as links and as buttons' values."""
    _ = page.gettext
    zone = ZoneInfo(room["time_zone"])
    length_ = span[1] - span[0]
    found = sorted(other_times(free, span[0].astimezone(zone), length_, page.now, OFFERED))
    choices = []
    for at in found:
        starts, ends = f"{at:%H:%M}", wall_of(at + length_, at.date())
        query = {
            "day": at.date().isoformat(),
            "from": starts,
            "to": ends,
            "people": typed.get("people", ""),
        }
        choices.append(
            {
                "words": speech(page).short_day(at.date())
                + _(", ")
                + times(_, page.lang, starts, ends),
                "value": f"{at.date().isoformat()} {starts} {ends}",
                "href": f"/{page.lang}/rooms/{room['id']}/book?{urlencode(query)}",
            }
        )
    return choices


async def _organisations(page: Page) -> list[tuple[str, str]]:
    listed = await page.api.every("/v1/organisations")
    return [("", page.gettext("Choose")), *((each["id"], each["name"]) for each in listed)]
