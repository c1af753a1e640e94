"""Drafting, changing, publishing and cancelling events."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlmodel import col

from services.events.handlers.line import hand_on, lock_places
from services.events.handlers.persons import hash_again
from services.events.models import Event, Places, Theme, places
from services.events.rules.programme import (
    ATTENDANCE_CLOSES_AFTER,
    EventIncoherent,
    NotReady,
    is_online,
    local_date,
    missing,
    refuse_incoherent,
)
from shared.contracts.events import (
    EventCancelled,
    EventChanged,
    EventPublished,
    EventRescheduled,
    Partner,
    PartnerJoined,
    SessionPart,
)
from shared.http.problems import WrongState
from shared.ids import new_id
from shared.store import Work

ROOM_BOUND = ("starts_at", "ends_at", "room_id")
"""What a change of which needs another answer from booking."""
MOVED = (*ROOM_BOUND, "place", "time_zone")

Check = Callable[[int], None]


@dataclass(frozen=True)
class DraftEvent:
    """An event is planned; `values` are its fields, complete and bounded."""

    values: dict[str, Any]


async def draft_event(work: Work, command: DraftEvent) -> Event:
    """Add the event as a draft; raise EventIncoherent."""
    event = Event(id=new_id(), status="draft", changed_at=work.now, **_dated(command.values))
    refuse_incoherent(event)
    await _refuse_unknown_theme(work, event)
    work.add(event)
    work.add(
        Places(
            event_id=event.id,
            capacity=event.capacity,
            ceiling=event.capacity,
            admission=event.admission,
            waiting_list=event.waiting_list,
            opens_at=event.registration_opens_at,
            closes_at=event.registration_closes_at or event.starts_at,
            starts_at=event.starts_at,
            year=event.year,
            online_url=event.online_url,
        )
    )
    await work.flush()
    return event


async def lock_event(work: Work, event_id: str, check: Check | None = None) -> Event:
    """Lock an event and its places; raise NotFound, or what `check` raises for its revision."""
    await lock_places(work, event_id)
    statement = select(Event).where(col(Event.id) == event_id).with_for_update()
    event = (await work.scalars(statement.execution_options(populate_existing=True))).one()
    if check is not None:
        check(event.revision)
    return event


async def change_event(work: Work, event: Event, values: dict[str, Any]) -> None:
    """Change a locked event to `values` and tell what follows.

    A raised capacity gives places in order at once; a lowered one takes nobody's.
    Raises EventIncoherent, or WrongState for one that is cancelled or over.
    """
    if event.status == "cancelled" or event.attendance_closed_at is not None:
        raise WrongState("The event is cancelled or over.", state=event.status)
    if all(getattr(event, name) == value for name, value in values.items()):
        return
    before = event.model_copy()
    for name, value in _dated({**_described(event), **values}).items():
        setattr(event, name, value)
    refuse_incoherent(event)
    if "theme_id" in values:
        await _refuse_unknown_theme(work, event)
    if event.status != "draft":
        refuse_incomplete(event, before.starts_at, work.now)
    if event.year != before.year:
        await hash_again(work, event.id, event.year)
    event.revision += 1
    event.changed_at = work.now
    await work.flush()
    await _renew_places(work, event)
    if event.status == "published":
        await _tell_change(work, event, before)
    await hand_on(work, event.id)


async def open_to_public(work: Work, event: Event) -> None:
    """Make a locked, complete event public."""
    event.status = "published"
    event.was_published = True
    event.room_refusal = None
    event.revision += 1
    event.changed_at = work.now
    await work.flush()
    await _renew_places(work, event)
    work.publish(EventPublished(**description(event)), sequence=event.revision)
    await _put_closing_off(work, event)


async def cancel_event(work: Work, event: Event, reason: str) -> None:
    """Cancel a locked event; its registrations end one after the other, its room is free.

    Again changes nothing. Raises WrongState where its attendance is closed.
    """
    if event.status == "cancelled":
        return
    if event.attendance_closed_at is not None:
        raise WrongState("The event is over.", state=event.status)
    was = event.status
    event.status = "cancelled"
    event.room_wanted = None
    event.revision += 1
    event.changed_at = work.now
    await work.flush()
    await _renew_places(work, event)
    await work.drop("close-attendance", event.id)
    if was == "draft":
        return
    work.publish(
        EventCancelled(event_id=event.id, year=event.year, reason=reason),  # type: ignore[arg-type]  # one of the codes
        sequence=event.revision,
    )
    await work.later("end-registrations", event.id, work.now)


def refuse_unready(event: Event, now: datetime) -> None:
    """Raise NotReady with what the event lacks, or WrongState where it is no draft."""
    if event.status != "draft":
        raise WrongState("Only a draft can be published.", state=event.status)
    if lacks := missing(event, now):
        raise NotReady("The event lacks what the public must know.", missing=lacks)


def refuse_incomplete(event: Event, starts_before: datetime, now: datetime) -> None:
    """Raise NotReady where a public event would lack something, or be moved into the past."""
    lacks = missing(event, now)
    if "starts_at" in lacks and event.starts_at == starts_before:
        lacks.remove("starts_at")
    if lacks:
        raise NotReady("A published event must stay complete.", missing=lacks)


def description(event: Event) -> dict[str, Any]:
    """Return an event as its messages describe it."""
    return {
        "event_id": event.id,
        "format": event.format,
        "titles": event.titles,
        "theme_id": event.theme_id,
        "capacity": event.capacity,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "time_zone": event.time_zone,
        "local_date": event.local_date,
        "year": event.year,
        "place": event.place,
        "online": is_online(event),
        "room_id": event.room_id,
        "languages": event.languages,
        "sessions": [SessionPart.model_validate(each) for each in event.sessions],
        "partners": [Partner.model_validate(each) for each in event.partners],
        "admission": event.admission,
        "waiting_list": event.waiting_list,
        "registration_opens_at": event.registration_opens_at,
        "registration_closes_at": event.registration_closes_at,
    }


DESCRIBED = [
    "format",
    "titles",
    "summaries",
    "theme_id",
    "capacity",
    "starts_at",
    "ends_at",
    "time_zone",
    "place",
    "room_id",
    "online_url",
    "languages",
    "interpreted_to",
    "accessibility",
    "sessions",
    "partners",
    "sector_quotas",
    "admission",
    "waiting_list",
    "registration_opens_at",
    "registration_closes_at",
]


def _described(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in DESCRIBED}


def _dated(values: dict[str, Any]) -> dict[str, Any]:
    day = local_date(values["starts_at"], values["time_zone"])
    return {**values, "local_date": day, "year": day.year}


async def _refuse_unknown_theme(work: Work, event: Event) -> None:
    if event.theme_id is not None and await work.get(Theme, event.theme_id) is None:
        errors = [{"pointer": "/theme_id", "message": "There is no such theme"}]
        raise EventIncoherent("See errors.", errors=errors)


async def _renew_places(work: Work, event: Event) -> None:
    """Bring what registering needs up to date with the event."""
    row = await lock_places(work, event.id)
    values = {
        "capacity": event.capacity,
        "ceiling": max(event.capacity, row.taken),
        "is_open": event.status == "published",
        "admission": event.admission,
        "waiting_list": event.waiting_list,
        "opens_at": event.registration_opens_at,
        "closes_at": event.registration_closes_at or event.starts_at,
        "starts_at": event.starts_at,
        "year": event.year,
        "online_url": event.online_url,
    }
    await work.execute(update(places).where(places.c.event_id == event.id).values(values))


async def _tell_change(work: Work, event: Event, before: Event) -> None:
    told = description(event)
    if any(getattr(event, name) != getattr(before, name) for name in MOVED):
        work.publish(
            EventRescheduled(
                **told, previous_starts_at=before.starts_at, previous_ends_at=before.ends_at
            ),
            sequence=event.revision,
        )
        await _put_closing_off(work, event)
    else:
        work.publish(EventChanged(**told), sequence=event.revision)
    for partner in event.partners:
        if partner not in before.partners:
            work.publish(PartnerJoined(event_id=event.id, **partner), sequence=event.revision)


async def _put_closing_off(work: Work, event: Event) -> None:
    await work.later("close-attendance", event.id, event.ends_at + ATTENDANCE_CLOSES_AFTER)
