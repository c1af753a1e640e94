"""The door of an event: somebody is sought by name or code, checked in, counted."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from services.web.forms import count_of
from services.web.neighbours import Away, Refused
from services.web.page import Page, PageDep, page_router
from services.web.pages.desk.entrance import said, staff
from services.web.words import WORDS

router = page_router()

CAN_COME_IN: Final = ("confirmed", "no-show")
FIELD: Final = "who"
"""The search field: the fragment brings the focus back to it, and no older one stays."""
_LONGEST_SEARCH: Final = 600
_CODE: Final = "link_"


@router.get("/{lang}/door/{event_id}")
@staff("attendance:write", "registrations:read")
async def show_door(
    page: PageDep, event_id: str, last: str = "", out: str = "", heads: str = ""
) -> Response:
    """Show one empty field: no name is seen before one was typed."""
    return await _door(page, event_id, last=last, out=bool(out), heads=heads)


@router.post("/{lang}/door/{event_id}")
@staff("attendance:write", "registrations:read")
async def seek(page: PageDep, event_id: str) -> Response:
    """Find who is meant; a code that was scanned checks its holder in at once.

    A post, so that no name and no code stands in an address.
    """
    form = await page.form()
    typed = form.text("who")[:_LONGEST_SEARCH]
    if not typed:
        return await _door(page, event_id)
    try:
        found = await page.api.get(f"/v1/events/{event_id}/registrations", search=typed)
    except Away as away:
        return await _door(page, event_id, errors={"who": said(page, away)}, typed=typed)
    hits = found["items"]
    is_code = _CODE in typed
    if is_code and len(hits) == 1 and hits[0]["status"] in CAN_COME_IN:
        return await _mark(page, event_id, hits[0]["id"], attended=True, key=form.key)
    return await _door(page, event_id, hits=hits, typed="" if is_code else typed, code=is_code)


@router.post("/{lang}/door/{event_id}/in/{registration_id}")
@staff("attendance:write", "registrations:read")
async def check_in(page: PageDep, event_id: str, registration_id: str) -> Response:
    """Somebody is in."""
    form = await page.form()
    return await _mark(page, event_id, registration_id, attended=True, key=form.key)


@router.post("/{lang}/door/{event_id}/out/{registration_id}")
@staff("attendance:write", "registrations:read")
async def undo(page: PageDep, event_id: str, registration_id: str) -> Response:
    """Somebody was checked in by mistake."""
    form = await page.form()
    return await _mark(page, event_id, registration_id, attended=False, key=form.key)


@router.post("/{lang}/door/{event_id}/heads")
@staff("attendance:write", "registrations:read")
async def count(page: PageDep, event_id: str) -> Response:
    """Count people who have no registration: some more, or one fewer."""
    form = await page.form()
    fewer = form.text("step") == "fewer"
    people = form.text("people") or "1"
    if not fewer and count_of(people, 9_999) is None:
        errors = {"people": page.gettext("Write how many came, as a number.")}
        return await _door(page, event_id, errors=errors, people=people)
    path = f"/v1/events/{event_id}"
    try:
        if fewer:
            seen = await page.api.get(f"{path}/attendance")
            counts = [each for each in seen["heads"] if each["people"]]
            if counts:
                body = {name: counts[-1][name] for name in ("count_id", "sector")}
                body["people"] = counts[-1]["people"] - 1
                await page.api.post(f"{path}/head-counts", body, key=form.key)
        else:
            more: dict[str, Any] = {"people": int(people)}
            if form.text("sector"):
                more["sector"] = form.text("sector")
            await page.api.post(f"{path}/walk-ins", more, key=form.key)
    except (Refused, Away) as refused:
        return await _door(page, event_id, errors={"form": said(page, refused)})
    return page.redirect(f"/door/{event_id}?heads={'fewer' if fewer else int(people)}", FIELD)


async def _mark(
    page: Page, event_id: str, registration_id: str, *, attended: bool, key: str
) -> Response:
    path = f"/v1/registrations/{registration_id}/attendance"
    try:
        await page.api.post(path, {"attended": attended}, key=key)
    except (Refused, Away) as refused:
        return await _door(page, event_id, errors={"form": said(page, refused)})
    out = "" if attended else "&out=yes"
    return page.redirect(f"/door/{event_id}?last={registration_id}{out}", FIELD)


async def _door(
    page: Page,
    event_id: str,
    *,
    last: str = "",
    out: bool = False,
    heads: str = "",
    hits: list[Mapping[str, Any]] | None = None,
    typed: str = "",
    code: bool = False,
    people: str = "",
    errors: dict[str, str] | None = None,
) -> Response:
    event, attendance, done = await asyncio.gather(
        page.api.get(f"/v1/events/{event_id}"),
        page.api.get(f"/v1/events/{event_id}/attendance"),
        _last(page, event_id, last),
    )
    return page.render(
        "door/door.html",
        422 if errors else 200,
        private=True,
        event=event,
        attendance=attendance,
        uncounted=sum(each["people"] for each in attendance["heads"]),
        last=done,
        out=out,
        heads=heads if heads == "fewer" or (heads.isascii() and heads.isdigit()) else "",
        hits=hits,
        typed=typed,
        code=code,
        people=people,
        can_come_in=CAN_COME_IN,
        sectors=list(WORDS["sector"]),
        errors=errors or {},
    )


async def _last(page: Page, event_id: str, registration_id: str) -> Mapping[str, Any] | None:
    """Return who was marked last, where that is somebody of this event."""
    if not registration_id or "registrations:write" not in (page.signed_in or ()):
        return {"id": registration_id, "name": None} if registration_id else None
    try:
        found: Mapping[str, Any] = await page.api.get(f"/v1/registrations/{registration_id}")
    except Refused:
        return None
    return found if found["event_id"] == event_id else None
