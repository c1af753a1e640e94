"""Who takes part in an event: listed, added by hand, cancelled, selected from applications."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from services.web.forms import Form, count_of
from services.web.neighbours import Away, Refused
from services.web.page import Page, PageDep, page_router
from services.web.pages.desk.entrance import said, staff
from services.web.pages.desk.events import read_event
from services.web.words import WORDS

router = page_router()

NEEDS: Final = ("interpreter", "sign-language", "step-free", "hearing-loop", "food", "other")
DONE: Final = ("added", "cancelled", "selected", "declined")
_ON_A_PAGE: Final = 100


@router.get("/{lang}/desk/events/{event_id}/registrations")
@staff("registrations:read")
async def show_registrations(
    page: PageDep, event_id: str, status: str = "", after: str = "", done: str = "", about: str = ""
) -> Response:
    """List the registrations of an event in the order they came."""
    return await _list(page, event_id, status=status, after=after, done=done, about=about)


@router.post("/{lang}/desk/events/{event_id}/registrations")
@staff("registrations:read", "registrations:write")
async def add(page: PageDep, event_id: str) -> Response:
    """Register somebody by hand: at once, with or without an address."""
    form = await page.form()
    errors = _wrong(page, form)
    if errors:
        return await _list(page, event_id, errors=errors, form=form)
    path = f"/v1/events/{event_id}/registrations"
    try:
        made = await page.api.post(path, _body(page, form), key=form.key)
    except (Refused, Away) as refused:
        errors = {"form": said(page, refused)}
        if isinstance(refused, Refused) and "email" in refused.places:
            errors = {"email": page.gettext("This is not an address that we can write to.")}
        return await _list(page, event_id, errors=errors, form=form)
    return page.redirect(
        f"/desk/events/{event_id}/registrations?done=added&about={made['id']}", "done"
    )


@router.post("/{lang}/desk/events/{event_id}/registrations/{registration_id}/cancellation")
@staff("registrations:read", "registrations:write")
async def cancel(page: PageDep, event_id: str, registration_id: str) -> Response:
    """Give somebody's place back; whoever is next in line gets it."""
    form = await page.form()
    try:
        await page.api.post(f"/v1/registrations/{registration_id}/cancellation", key=form.key)
    except (Refused, Away) as refused:
        return await _list(page, event_id, errors={"form": said(page, refused)})
    return page.redirect(
        f"/desk/events/{event_id}/registrations?done=cancelled&about={registration_id}", "done"
    )


def _wrong(page: Page, form: Form) -> dict[str, str]:
    errors = {}
    if not form.text("name"):
        errors["name"] = page.gettext("Write a name.")
    people = form.text("people")
    if people and count_of(people, 99_999) is None:
        errors["people"] = page.gettext("Write a whole number.")
    return errors


def _body(page: Page, form: Form) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": form.text("name"),
        "language": form.text("language") or str(page.lang),
        "needs": [{"kind": each} for each in form.getlist("need") if each in NEEDS],
    }
    if other := form.text("need_other"):
        body["needs"].append({"kind": "other", "detail": other[:300]})
    if email := form.text("email"):
        body["contact"] = {"email": email}
    if sector := form.text("sector"):
        body["sector"] = sector
    if (people := form.text("people")) and int(people) > 1:
        body["group"] = {"people": int(people)}
    return body


async def _list(
    page: Page,
    event_id: str,
    *,
    status: str = "",
    after: str = "",
    done: str = "",
    about: str = "",
    errors: dict[str, str] | None = None,
    form: Form | None = None,
) -> Response:
    chosen = status if status in WORDS["registration"] else ""
    (event, _), found, changed = await asyncio.gather(
        read_event(page, event_id),
        page.api.get(
            f"/v1/events/{event_id}/registrations", status=chosen, limit=_ON_A_PAGE, cursor=after
        ),
        _one(page, about),
    )
    values: dict[str, Any] = dict(form or {})
    return page.render(
        "desk/registrations.html",
        422 if errors else 200,
        event=event,
        registrations=found["items"],
        following=found["next"],
        chosen=chosen,
        sectors=list(WORDS["sector"]),
        languages=list(WORDS["language"]),
        needs=NEEDS,
        needed=form.getlist("need") if form else [],
        done=done if done in DONE else "",
        changed=changed,
        may_write="registrations:write" in (page.signed_in or ()),
        values=values,
        errors=errors or {},
    )


async def _one(page: Page, registration_id: str) -> Mapping[str, Any] | None:
    """Return a registration that something was done with; None where it may not be read."""
    if not registration_id:
        return None
    try:
        found: Mapping[str, Any] = await page.api.get(f"/v1/registrations/{registration_id}")
    except Refused:
        return None
    return found


@router.get("/{lang}/desk/events/{event_id}/select")
@staff("events:admin", "registrations:read")
async def show_selection(page: PageDep, event_id: str, done: str = "", names: str = "") -> Response:
    """Show the applications, without names unless they are asked for."""
    return await _selection(page, event_id, done=done, names=names)


@router.post("/{lang}/desk/events/{event_id}/select/{registration_id}")
@staff("events:admin", "registrations:read")
async def select(page: PageDep, event_id: str, registration_id: str) -> Response:
    """Give an applicant a place, or decline."""
    form = await page.form()
    selected = form.text("selected") == "yes"
    try:
        await page.api.post(
            f"/v1/registrations/{registration_id}/selection", {"selected": selected}, key=form.key
        )
    except (Refused, Away) as refused:
        return await _selection(page, event_id, refused=refused, names=form.text("names"))
    done = "selected" if selected else "declined"
    names = "&names=yes" if form.text("names") else ""
    return page.redirect(f"/desk/events/{event_id}/select?done={done}{names}", "done")


async def _selection(
    page: Page,
    event_id: str,
    *,
    done: str = "",
    names: str = "",
    refused: Refused | Away | None = None,
) -> Response:
    path = f"/v1/events/{event_id}/registrations"
    (event, _), found = await asyncio.gather(read_event(page, event_id), page.api.every(path))
    states = ("applied", "confirmed", "attended", "no-show", "declined")
    applications = [
        {**each, "number": number}
        for number, each in enumerate((each for each in found if each["status"] in states), start=1)
    ]
    taken: dict[str, int] = {}
    for each in applications:
        if each["status"] in ("confirmed", "attended", "no-show") and each["sector"]:
            taken[each["sector"]] = taken.get(each["sector"], 0) + each["people"]
    return page.render(
        "desk/select.html",
        422 if refused else 200,
        event=event,
        applications=applications,
        undecided=sum(each["status"] == "applied" for each in applications),
        taken=taken,
        with_names=bool(names),
        done=done if done in DONE else "",
        errors={"form": said(page, refused)} if refused else {},
    )
