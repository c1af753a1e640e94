"""Events: drafted, changed, published, cancelled, listed."""

from typing import Annotated, Any

from fastapi import Depends, Query, Response

from services.events.handlers.events import DraftEvent
from services.events.handlers.events import draft_event as draft
from services.events.processes.room_for_event import (
    CancelEvent,
    ChangeEvent,
    PublishEvent,
    call_off,
    reschedule_or_change,
)
from services.events.processes.room_for_event import publish_event as publish
from services.events.queries import programme
from services.events.queries.programme import EventSeen, EventsSought
from services.events.schemas.fields import Language
from services.events.schemas.programme import (
    Cancellation,
    ChangedEvent,
    EventShown,
    NewEvent,
    event_shown,
    reason_code,
    values_of,
)
from shared.contracts.words import EventFormat
from shared.http.body import Id, Instant
from shared.http.etag import IfMatchDep, set_etag
from shared.http.paging import Page, PagingDep
from shared.http.work import ReaderDep, WorkDep, api_router
from shared.security.permissions import PrincipalDep, need, require
from shared.security.principal import Principal

router = api_router("events")
ADMIN = [Depends(require("events:admin"))]
SHOWN: dict[str, Any] = {"response_model": EventShown, "response_model_exclude_unset": True}


@router.post("/v1/events", status_code=201, dependencies=ADMIN, **SHOWN)
async def draft_event(
    body: NewEvent, work: WorkDep, principal: PrincipalDep, response: Response
) -> dict[str, Any]:
    """Draft an event; nobody but staff sees it."""
    event = await draft(work, DraftEvent(values_of(body)))
    response.headers["Location"] = f"/v1/events/{event.id}"
    return await _shown(work, event.id, principal, response)


@router.patch("/v1/events/{event_id}", dependencies=ADMIN, **SHOWN)
async def change_event(
    event_id: Id,
    body: ChangedEvent,
    work: WorkDep,
    principal: PrincipalDep,
    if_match: IfMatchDep,
    response: Response,
) -> dict[str, Any]:
    """Change an event; a new time or room holds once booking has confirmed it."""
    command = ChangeEvent(event_id, values_of(body), if_match.check)
    event = await reschedule_or_change(work, command)
    return await _shown(work, event.id, principal, response)


@router.post("/v1/events/{event_id}/publication", dependencies=ADMIN, **SHOWN)
async def publish_event(
    event_id: Id,
    work: WorkDep,
    principal: PrincipalDep,
    if_match: IfMatchDep,
    response: Response,
) -> dict[str, Any]:
    """Make an event public: at once, or as soon as its room is confirmed."""
    event = await publish(work, PublishEvent(event_id, if_match.check))
    return await _shown(work, event.id, principal, response)


@router.post("/v1/events/{event_id}/cancellation", dependencies=ADMIN, **SHOWN)
async def cancel_event(
    event_id: Id,
    work: WorkDep,
    principal: PrincipalDep,
    if_match: IfMatchDep,
    response: Response,
    body: Cancellation | None = None,
) -> dict[str, Any]:
    """Cancel an event; everybody who takes part is told."""
    code = reason_code(body.reason if body else "other")
    event = await call_off(work, CancelEvent(event_id, code, if_match.check))
    return await _shown(work, event.id, principal, response)


@router.get("/v1/events", response_model=Page[EventShown], response_model_exclude_unset=True)
async def list_events(
    reader: ReaderDep,
    paging: PagingDep,
    principal: PrincipalDep,
    from_: Annotated[Instant | None, Query(alias="from", description="ends after")] = None,
    to: Annotated[Instant | None, Query(description="begins before")] = None,
    theme: Annotated[Id | None, Query(description="id of its theme")] = None,
    format: Annotated[EventFormat | None, Query(description="kind of event")] = None,  # noqa: A002 -- api.md's word
    language: Annotated[Language | None, Query(description="spoken there")] = None,
    status: Annotated[Id | None, Query(description="for events:admin only")] = None,
    changed_since: Annotated[Instant | None, Query(description="changed since")] = None,
) -> Any:
    """List the public events by their begin; drafts too for events:admin."""
    if status is not None and status != "published":
        need(principal, "events:admin")
    sought = EventsSought(
        from_=from_,
        to=to,
        theme=theme,
        format=format,
        language=language,
        status=status,
        changed_since=changed_since,
        drafts=principal.may("events:admin"),
    )
    found, following = await programme.events(reader, sought, paging)
    return paging.page([_for(principal, seen) for seen in found], following).model_dump()


@router.get("/v1/events/{event_id}", **SHOWN)
async def get_event(
    event_id: Id, reader: ReaderDep, principal: PrincipalDep, response: Response
) -> dict[str, Any]:
    """Show one event."""
    return await _shown(reader, event_id, principal, response)


async def _shown(
    reader: Any, event_id: str, principal: Principal, response: Response
) -> dict[str, Any]:
    seen = await programme.event(reader, event_id, drafts=principal.may("events:admin"))
    set_etag(response, seen.event.revision)
    return _for(principal, seen)


def _for(principal: Principal, seen: EventSeen) -> dict[str, Any]:
    return event_shown(
        seen,
        exact=principal.may("registrations:read"),
        admin=principal.may("events:admin"),
    )
