"""Bookings: requests to decide on, and what happens in the house on a day."""

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.responses import Response

from services.web.forms import count_of
from services.web.neighbours import Away, Refused, written
from services.web.page import Page, PageDep, page_router
from services.web.pages.desk.entrance import said, staff

router = page_router()

DONE: Final = ("approved", "refused", "checked-in", "cancelled")
LIVE: Final = ("requested", "confirmed", "checked-in", "held")
_REQUESTS: Final = 50
_LONGEST_REASON: Final = 500


@router.get("/{lang}/desk/bookings")
@staff("booking:read", "booking:admin")
async def show_requests(page: PageDep, done: str = "", about: str = "") -> Response:
    """Show the requests that wait for a decision, each with what stands in its way."""
    return await _requests(page, done=done if done in DONE else "", about=about)


@router.post("/{lang}/desk/bookings/{booking_id}/approval")
@staff("booking:read", "booking:admin")
async def approve(page: PageDep, booking_id: str) -> Response:
    """Confirm a request."""
    form = await page.form()
    try:
        await page.api.post(f"/v1/bookings/{booking_id}/approval", key=form.key)
    except (Refused, Away) as refused:
        return await _requests(page, refused=refused, about=booking_id)
    return page.redirect(f"/desk/bookings?done=approved&about={booking_id}", "done")


@router.post("/{lang}/desk/bookings/{booking_id}/rejection")
@staff("booking:read", "booking:admin")
async def refuse(page: PageDep, booking_id: str) -> Response:
    """Refuse a request, with a reason that those who asked can read."""
    form = await page.form()
    reason = form.text("reason")
    if not reason:
        sentence = page.gettext("Write why: those who asked can read it.")
        return await _requests(page, about=booking_id, wrong=sentence)
    try:
        await page.api.post(
            f"/v1/bookings/{booking_id}/rejection",
            {"reason": reason[:_LONGEST_REASON]},
            key=form.key,
        )
    except (Refused, Away) as refused:
        return await _requests(page, refused=refused, about=booking_id, reason=reason)
    return page.redirect(f"/desk/bookings?done=refused&about={booking_id}", "done")


async def _requests(
    page: Page,
    *,
    done: str = "",
    about: str = "",
    refused: Refused | Away | None = None,
    wrong: str = "",
    reason: str = "",
) -> Response:
    """Show the requests; with `refused` or `wrong`, what kept the one called `about` back."""
    since = {"from": written(page.now)}
    found, rooms, names = await asyncio.gather(
        page.api.get("/v1/bookings", since, status="requested", limit=_REQUESTS),
        _rooms(page),
        organisation_names(page),
    )
    meets = await asyncio.gather(*(_met(page, each) for each in found["items"]))
    decided = await _one(page, about) if about and (done or refused) else None
    errors = {}
    if refused is not None:
        errors["form"] = said(page, refused)
    if wrong:
        errors[f"reason-{about}"] = wrong
    return page.render(
        "desk/bookings.html",
        422 if errors else 200,
        requests=[{**each, "meets": met} for each, met in zip(found["items"], meets, strict=True)],
        more=found["next"] is not None,
        rooms=rooms,
        called=names,
        done=done,
        decided=decided,
        about=about,
        reason=reason,
        errors=errors,
    )


async def _met(page: Page, request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the other live bookings of the room that overlap a request."""
    found = await page.api.get(
        "/v1/bookings",
        {"from": request["starts_at"], "to": request["ends_at"]},
        room_id=request["room_id"],
        limit=100,
    )
    return [
        each for each in found["items"] if each["id"] != request["id"] and each["status"] in LIVE
    ]


async def _one(page: Page, booking_id: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = await page.api.get(f"/v1/bookings/{booking_id}")
    except Refused:
        return None
    return found


async def _rooms(page: Page) -> dict[str, Mapping[str, Any]]:
    return {each["id"]: each for each in await page.api.every("/v1/rooms")}


async def organisation_names(page: Page) -> dict[str, str]:
    """Return the names of the organisations by id; none where directory does not answer."""
    try:
        return {each["id"]: each["name"] for each in await page.api.every("/v1/organisations")}
    except Away:
        return {}


@router.get("/{lang}/desk/today")
@staff("booking:read")
async def show_day(page: PageDep, day: str = "", done: str = "") -> Response:
    """Show the bookings of a day by their time."""
    return await _day(page, day, done=done if done in DONE else "")


@router.post("/{lang}/desk/today/{booking_id}/check-in")
@staff("booking:read", "booking:write")
async def check_in(page: PageDep, booking_id: str) -> Response:
    """Say that a gathering takes place, and how many came."""
    form = await page.form()
    people, day = form.text("people"), form.text("day")
    control = f"people-{booking_id}"
    if count_of(people, 100_000) is None:
        sentence = page.gettext("Write how many came, as a number.")
        return await _day(page, day, errors={control: sentence}, values={control: people})
    try:
        await page.api.post(
            f"/v1/bookings/{booking_id}/check-in", {"people": int(people)}, key=form.key
        )
    except (Refused, Away) as refused:
        errors = {"form": said(page, refused)}
        return await _day(page, day, errors=errors, values={control: people})
    return page.redirect(f"/desk/today?done=checked-in&day={quote(day)}", "done")


async def _day(
    page: Page,
    asked: str,
    *,
    done: str = "",
    errors: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> Response:
    zone = ZoneInfo(page.zone)
    today = page.now.astimezone(zone).date()
    try:
        shown = date.fromisoformat(asked) if asked else today
        begin = datetime.combine(shown, time(), zone)
        end = datetime.combine(shown + timedelta(days=1), time(), zone)
        window = {"from": written(begin), "to": written(end)}
        before = shown - timedelta(days=1)
    except (ValueError, OverflowError):
        return await _day(page, "", errors={"day": page.gettext("This is not a day.")})
    found, rooms, names = await asyncio.gather(
        page.api.every("/v1/bookings", window), _rooms(page), organisation_names(page)
    )
    return page.render(
        "desk/today.html",
        422 if errors else 200,
        day=shown,
        today=today,
        before=before,
        after=shown + timedelta(days=1),
        bookings=found,
        rooms=rooms,
        called=names,
        done=done,
        errors=errors or {},
        values=values or {},
    )
