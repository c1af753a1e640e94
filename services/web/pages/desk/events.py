"""Events: listed by their state, drafted, changed, published, cancelled."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from services.web.forms import Form
from services.web.neighbours import Away, Refused
from services.web.page import Page, PageDep, page_router
from services.web.pages.desk.entrance import said, staff
from services.web.pages.desk.event_form import (
    MODES,
    ROLES,
    Typed,
    control_of,
    lacking,
    rows_to_show,
    says_so,
    typed,
    values_of,
    worth_adding,
)
from services.web.words import WORDS

router = page_router()

STATES: Final = ("drafts", "coming", "past", "cancelled")
REASONS: Final = ("too-few-people", "no-room", "speaker-missing", "weather", "other")
DONE: Final = ("drafted", "changed", "published", "cancelled", "closed", "asked", "survey-closed")
_ON_A_PAGE: Final = 50
_PAST: Final = timedelta(days=90)
_SEVERAL: Final = ("languages", "interpreted_to")


@router.get("/{lang}/desk/events")
@staff("events:admin")
async def show_events(page: PageDep, state: str = "", after: str = "") -> Response:
    """List the events of a state by their begin."""
    chosen = state if state in STATES else "coming"
    now = page.now.isoformat(timespec="seconds")
    if chosen == "drafts":
        lists = await asyncio.gather(
            page.api.get("/v1/events", status="draft", limit=_ON_A_PAGE, cursor=after),
            *([] if after else [page.api.get("/v1/events", status="awaiting-room", limit=100)]),
        )
        items = [each for found in reversed(lists) for each in found["items"]]
        following = lists[0]["next"]
    else:
        query: dict[str, Any] = {"status": "cancelled" if chosen == "cancelled" else "published"}
        if chosen == "coming":
            query["from"] = now
        if chosen == "past":
            query |= {"from": (page.now - _PAST).isoformat(timespec="seconds"), "to": now}
        found = await page.api.get("/v1/events", query, limit=_ON_A_PAGE, cursor=after)
        items, following = found["items"], found["next"]
        if chosen == "past":
            items = [each for each in reversed(items) if each["ends_at"] <= now]
    return page.render(
        "desk/events.html", state=chosen, states=STATES, events=items, following=following
    )


@router.get("/{lang}/desk/events/new")
@staff("events:admin")
async def show_new_event(page: PageDep) -> Response:
    """Show an empty form."""
    return await _form(page, {"languages": ["sv"], "waiting_list": "yes"})


@router.post("/{lang}/desk/events/new")
@staff("events:admin")
async def draft(page: PageDep) -> Response:
    """Draft an event; nobody but the house sees it."""
    form = await page.form()
    it = typed(form, zone=page.zone)
    if it.wrong:
        return await _form(page, _typed_values(form), it=it)
    try:
        event = await page.api.post("/v1/events", it.body, key=form.key)
    except (Refused, Away) as refused:
        return await _form(page, _typed_values(form), refused=refused)
    return page.redirect(f"/desk/events/{event['id']}?done=drafted", "done")


@router.get("/{lang}/desk/events/{event_id}")
@staff("events:admin")
async def show_event(page: PageDep, event_id: str, done: str = "") -> Response:
    """Show an event to those who make it: its state, what it lacks, the next step."""
    return await _event(page, event_id, done=done)


@router.get("/{lang}/desk/events/{event_id}/change")
@staff("events:admin")
async def show_change(page: PageDep, event_id: str) -> Response:
    """Show the form with what the event says."""
    event, etag = await read_event(page, event_id)
    return await _form(page, {**values_of(event), "etag": etag}, event=event)


@router.post("/{lang}/desk/events/{event_id}/change")
@staff("events:admin")
async def change(page: PageDep, event_id: str) -> Response:
    """Change an event, unless somebody else has changed it since the form was opened."""
    form = await page.form()
    event, _ = await read_event(page, event_id)
    it = typed(form, zone=event["time_zone"], known=event)
    if it.wrong:
        return await _form(page, _typed_values(form), event=event, it=it)
    try:
        await page.api.patch(f"/v1/events/{event_id}", it.body, etag=form.text("etag"))
    except (Refused, Away) as refused:
        if not says_so(event, _typed_values(form)):
            return await _form(page, _typed_values(form), event=event, refused=refused)
    return page.redirect(f"/desk/events/{event_id}?done=changed", "done")


@router.post("/{lang}/desk/events/{event_id}/publication")
@staff("events:admin")
async def publish(page: PageDep, event_id: str) -> Response:
    """Make an event public, or ask for its room first."""
    form = await page.form()
    try:
        event = await page.api.post(f"/v1/events/{event_id}/publication", key=form.key)
    except (Refused, Away) as refused:
        return await _event(page, event_id, refused=refused)
    done = "published" if event["status"] == "published" else "asked"
    return page.redirect(f"/desk/events/{event_id}?done={done}", "done")


@router.post("/{lang}/desk/events/{event_id}/cancellation")
@staff("events:admin")
async def cancel(page: PageDep, event_id: str) -> Response:
    """Cancel an event, with a reason; everybody who takes part is told."""
    form = await page.form()
    reason = form.text("reason")
    if reason not in REASONS:
        errors = {"reason": page.gettext("Choose why, so that people can be told.")}
        return await _event(page, event_id, errors=errors)
    try:
        await page.api.post(f"/v1/events/{event_id}/cancellation", {"reason": reason}, key=form.key)
    except (Refused, Away) as refused:
        return await _event(page, event_id, refused=refused)
    return page.redirect(f"/desk/events/{event_id}?done=cancelled", "done")


@router.post("/{lang}/desk/events/{event_id}/closing")
@staff("events:admin", "attendance:write")
async def close(page: PageDep, event_id: str) -> Response:
    """Say that who came is known."""
    form = await page.form()
    try:
        await page.api.post(f"/v1/events/{event_id}/attendance-closing", key=form.key)
    except (Refused, Away) as refused:
        return await _event(page, event_id, refused=refused)
    return page.redirect(f"/desk/events/{event_id}?done=closed", "done")


@router.post("/{lang}/desk/events/{event_id}/survey-closing")
@staff("events:admin", "surveys:admin")
async def close_survey(page: PageDep, event_id: str) -> Response:
    """Take no more answers about an event."""
    form = await page.form()
    try:
        surveys = (await page.api.get("/v1/surveys", event_id=event_id))["items"]
        for survey in surveys:
            await page.api.post(f"/v1/surveys/{survey['id']}/closing", key=form.key)
    except (Refused, Away) as refused:
        return await _event(page, event_id, refused=refused)
    return page.redirect(f"/desk/events/{event_id}?done=survey-closed", "done")


async def read_event(page: Page, event_id: str) -> tuple[Mapping[str, Any], str]:
    """Return an event and the tag of what it is now."""
    answer = await page.api.fetch(f"/v1/events/{event_id}")
    return json.loads(answer.content), answer.headers.get("etag", "")


async def _event(
    page: Page,
    event_id: str,
    *,
    done: str = "",
    refused: Refused | Away | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    event, _ = await read_event(page, event_id)
    told = dict(errors or {})
    if refused is not None:
        told["form"] = said(page, refused)
    missing = lacking(event, page.now) if event["status"] == "draft" else []
    if isinstance(refused, Refused):
        missing = list(refused.problem.get("missing") or missing)
    return page.render(
        "desk/event.html",
        422 if told else 200,
        event=event,
        room=await _room(page, event["room_id"]),
        attendance=await _attendance(page, event),
        survey=await _survey(page, event),
        lacks=missing,
        worth=worth_adding(event) if event["status"] == "draft" else [],
        reasons=REASONS,
        done=done if done in DONE else "",
        errors=told,
    )


async def _room(page: Page, room_id: str | None) -> Mapping[str, Any] | None:
    """Return the room, or None where there is none or booking does not answer."""
    if room_id is None:
        return None
    try:
        found: Mapping[str, Any] = await page.api.get(f"/v1/rooms/{room_id}")
    except (Refused, Away):
        return None
    return found


async def _attendance(page: Page, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if event["status"] != "published" or "attendance:write" not in (page.signed_in or ()):
        return None
    found: Mapping[str, Any] = await page.api.get(f"/v1/events/{event['id']}/attendance")
    return found


async def _survey(page: Page, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the survey of an event whose attendance is closed, where surveys answers."""
    if event["attendance_closed_at"] is None:
        return None
    try:
        found = await page.api.get("/v1/surveys", event_id=event["id"])
    except (Refused, Away):
        return None
    return found["items"][0] if found["items"] else None


async def _form(
    page: Page,
    values: Mapping[str, Any],
    *,
    event: Mapping[str, Any] | None = None,
    it: Typed | None = None,
    refused: Refused | Away | None = None,
) -> Response:
    rooms, organisations, themes = await asyncio.gather(
        _choices(page, "/v1/rooms"),
        _choices(page, "/v1/organisations"),
        _choices(page, "/v1/themes"),
    )
    errors = _errors(page, it, refused)
    return page.render(
        "desk/event_form.html",
        422 if errors else 200,
        event=event,
        values=values,
        errors=errors,
        rooms=rooms,
        organisations=organisations,
        themes=themes,
        formats=list(WORDS["format"]),
        sectors=list(WORDS["sector"]),
        languages=list(WORDS["language"]),
        modes=MODES,
        roles=ROLES,
        parts=rows_to_show(values, "part_{}_day"),
        partners=rows_to_show(values, "partner_{}"),
    )


async def _choices(page: Page, path: str) -> list[Mapping[str, Any]] | None:
    """Return what can be chosen, or None where the service does not answer."""
    try:
        return list(await page.api.every(path))
    except Away:
        return None


def _typed_values(form: Form) -> dict[str, Any]:
    return {**form, **{name: form.getlist(name) for name in _SEVERAL}}


def _errors(page: Page, it: Typed | None, refused: Refused | Away | None) -> dict[str, str]:
    """Return what is wrong by control, in the order of the form."""
    _ = page.gettext
    if it is not None:
        sentences = {
            "missing": _("This is needed."),
            "number": _("Write a whole number."),
            "day": _("Write a day as it is in the calendar."),
            "time": _("Choose a time."),
            "order": _("The end must come after the begin."),
        }
        return {name: f"{_label(page, name)}: {sentences[how]}" for name, how in it.wrong.items()}
    if refused is None:
        return {}
    if isinstance(refused, Refused) and refused.problem.get("errors"):
        controls = [control_of(str(each["pointer"])) for each in refused.problem["errors"]]
        wrong = _("This cannot be kept as it is written.")
        if refused.slug == "event-incoherent":
            wrong = _("This contradicts the rest.")
        return {name: f"{_label(page, name)}: {wrong}" for name in controls}
    return {"form": said(page, refused)}


def _label(page: Page, control: str) -> str:
    _ = page.gettext
    labels = {
        "title": _("Title"),
        "summary": _("What it is about"),
        "capacity": _("Places"),
        "day": _("Day"),
        "from": _("From"),
        "to": _("To"),
        "last": _("Last day"),
        "opens": _("Registration opens"),
        "closes": _("Registration closes"),
        "part": _("Parts of the event"),
        "partner": _("Who carries it"),
        "quota": _("Places by sector"),
        "online": _("Address of the meeting online"),
        "place": _("Place"),
        "accessibility": _("Accessibility"),
    }
    return labels.get(control.partition("_")[0], _("The form"))
