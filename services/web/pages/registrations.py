"""Registrations as their holders see them: asked for, confirmed, changed, given back, erased."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import segno
from markupsafe import Markup
from starlette.responses import Response

from services.web.forms import Form
from services.web.neighbours import Api, Refused
from services.web.page import LinkUnknown, Page, PageDep, page_router
from services.web.pages import programme
from services.web.pages.calendars import MEDIA_TYPE, calendar_of
from services.web.pages.events import event_of, event_page, needs_of, rooms_by_id
from services.web.rendering import instant
from services.web.words import WORDS, titled
from shared.security.links import claimed_id

EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_OPEN: Final = frozenset({"pending", "applied", "confirmed", "waitlisted", "offered"})

router = page_router()


@dataclass(frozen=True)
class Held:
    """A registration and its event, seen through the link of its holder."""

    token: str
    api: Api
    registration: Mapping[str, Any]
    event: Mapping[str, Any]


@router.post("/{lang}/events/{event_id}")
async def register(page: PageDep, event_id: str) -> Response:
    """Ask for a place; a letter with a link follows."""
    form = await page.form()
    errors = _missing(page, form)
    if not errors:
        try:
            answer = await page.api.post(
                f"/v1/events/{event_id}/registrations", _wish(form), key=form.key
            )
        except Refused as refused:
            errors = _refused(page, refused)
        else:
            if managed := answer.get("manage_url"):
                return page.redirect("/r/" + managed.rpartition("/")[2], "done")
            return page.redirect(f"/events/{event_id}/registered", "done")
    return await event_page(page, event_id, errors=errors, values=_typed(form))


@router.get("/{lang}/events/{event_id}/registered")
async def show_asked(page: PageDep, event_id: str) -> Response:
    """A letter is on its way."""
    event = await event_of(page, event_id)
    title, title_lang = titled(event["titles"], page.lang)
    return page.render(
        "registrations/asked.html", event=event, title=title, title_lang=title_lang, private=True
    )


@router.get("/{lang}/r/{token}")
async def show_registration(page: PageDep, token: str) -> Response:
    """A registration: its state, what can be done, and the code for the door."""
    held = await _held(page, token)
    return await _receipt(page, held)


@router.post("/{lang}/r/{token}")
async def confirm(page: PageDep, token: str) -> Response:
    """Take the place, or the place in line."""
    form = await page.form()
    held = await _held(page, token)
    path = f"/v1/registrations/{held.registration['id']}/confirmation"
    try:
        await held.api.post(path, key=form.key)
    except Refused as refused:
        return await _receipt(page, held, errors=_refused(page, refused))
    return page.redirect(f"/r/{token}", "done")


@router.get("/{lang}/r/{token}/calendar.ics")
async def save_registration(page: PageDep, token: str) -> Response:
    """The entry that the letters carry, for a calendar."""
    held = await _held(page, token)
    rooms = await rooms_by_id(page)
    content = calendar_of(page, [held.event], rooms, registration_id=held.registration["id"])
    return page.file(content, MEDIA_TYPE, "andan.ics", private=True)


@router.get("/{lang}/r/{token}/change")
async def show_change(page: PageDep, token: str) -> Response:
    """Keep the place, give it back, or be forgotten."""
    held = await _held(page, token)
    return _change(page, held)


@router.post("/{lang}/r/{token}/change")
async def change(page: PageDep, token: str) -> Response:
    """Give the place back, or have everything about oneself erased."""
    form = await page.form()
    held = await _held(page, token)
    path = f"/v1/registrations/{held.registration['id']}"
    wish = form.get("do", "")
    if wish == "erase" and form.get("sure") != "yes":
        sentence = page.gettext("Tick the box to show that you mean it.")
        return _change(page, held, errors={"sure": sentence})
    if wish not in ("cancel", "erase"):
        return _change(page, held, errors={"form": page.gettext("Choose what to do.")})
    try:
        await held.api.post(
            f"{path}/erasure" if wish == "erase" else f"{path}/cancellation", key=form.key
        )
    except Refused as refused:
        return _change(page, held, errors=_refused(page, refused))
    return page.redirect("/erased" if wish == "erase" else f"/r/{token}", "done")


async def _held(page: Page, token: str) -> Held:
    """Return what a link is for; raises LinkUnknown."""
    registration_id = claimed_id(token)
    if registration_id is None:
        raise LinkUnknown
    api = page.house.api.holding(token)
    try:
        registration = await api.get(f"/v1/registrations/{registration_id}")
        event = await page.house.api.get(f"/v1/events/{registration['event_id']}")
    except Refused as refused:
        if refused.status == 429:
            raise
        raise LinkUnknown from refused
    return Held(token, api, registration, event)


async def _receipt(page: Page, held: Held, *, errors: Mapping[str, str] | None = None) -> Response:
    rooms = await rooms_by_id(page)
    title, title_lang = titled(held.event["titles"], page.lang)
    registration = held.registration
    confirm_by = registration["confirm_by"]
    status = registration["status"]
    is_late = status == "pending" and confirm_by and instant(confirm_by) <= page.now
    return page.render(
        "registrations/receipt.html",
        422 if errors else 200,
        private=True,
        held=held,
        registration=registration,
        event=held.event,
        title=title,
        title_lang=title_lang,
        place=programme.place_of(page, held.event, rooms),
        is_late=bool(is_late),
        is_over=instant(held.event["ends_at"]) <= page.now,
        is_open=status in _OPEN and instant(held.event["starts_at"]) > page.now,
        qr=_qr(page, held.token) if status in ("confirmed", "offered") else None,
        errors=dict(errors or {}),
        needs=dict(needs_of(page)),
    )


def _change(page: Page, held: Held, *, errors: Mapping[str, str] | None = None) -> Response:
    title, title_lang = titled(held.event["titles"], page.lang)
    is_early = instant(held.event["starts_at"]) > page.now
    return page.render(
        "registrations/change.html",
        422 if errors else 200,
        private=True,
        held=held,
        registration=held.registration,
        event=held.event,
        title=title,
        title_lang=title_lang,
        can_cancel=held.registration["status"] in _OPEN and is_early,
        errors=dict(errors or {}),
    )


def _qr(page: Page, token: str) -> Markup:
    """Return the code that the door reads: the link itself, as a picture without any style."""
    code = segno.make_qr(f"{page.house.source}/{page.lang}/r/{token}", error="m")
    svg = code.svg_inline(omitsize=True, border=4, light="#fff", svgclass=None, lineclass=None)
    return Markup(svg)  # noqa: S704 -- made of numbers by segno, nothing typed is in it


def _missing(page: Page, form: Form) -> dict[str, str]:
    """Return what is not filled in, field by field."""
    errors = {}
    if not form.text("name"):
        errors["name"] = page.gettext("Write your name.")
    if not EMAIL.fullmatch(form.text("email")):
        errors["email"] = page.gettext("Write your address like name@example.org.")
    if form.text("sector") not in WORDS["sector"]:
        errors["sector"] = page.gettext("Choose as what you come.")
    return errors


def _wish(form: Form) -> dict[str, Any]:
    """Return the form as the API takes it."""
    needs: list[dict[str, str]] = [{"kind": each} for each in dict.fromkeys(form.getlist("need"))]
    if other := form.text("need_other"):
        needs.append({"kind": "other", "detail": other})
    return {
        "name": form.text("name"),
        "contact": {"email": form.text("email")},
        "sector": form.text("sector"),
        "language": "en" if form.get("language") == "en" else "sv",
        "needs": needs,
    }


def _typed(form: Form) -> dict[str, Any]:
    names = ("name", "email", "sector", "language", "need_other")
    return {**{name: form.get(name, "") for name in names}, "need": form.getlist("need")}


def _refused(page: Page, refused: Refused) -> dict[str, str]:
    """Return in words why something cannot be done; what is no matter of the form goes on."""
    sentences = {
        "registration-closed": page.gettext("Registration is closed."),
        "event-full": page.gettext("All places are taken, and there is no waiting list."),
        "wrong-state": page.gettext("That cannot be done any more. Look at the state below."),
        "idempotency-key-reused": page.gettext(
            "This form was sent already. Load the page again to send another one."
        ),
        "request-in-flight": page.gettext("The form is being handled. Wait a moment."),
    }
    if refused.slug in sentences:
        return {"form": sentences[refused.slug]}
    if refused.status != 422:
        raise refused
    fields = {
        "name": page.gettext("Write a name of one line, at most 200 characters."),
        "email": page.gettext("We cannot write to this address. Look for a typing error."),
        "sector": page.gettext("Choose as what you come."),
        "detail": page.gettext("Write at most 300 characters on one line."),
        "kind": page.gettext("Choose among the needs on the page."),
    }
    names = {"detail": "need_other", "kind": "need_other"}
    found = {names.get(each, each): fields[each] for each in refused.places if each in fields}
    return found or {"form": page.gettext("Something in the form does not fit.")}
