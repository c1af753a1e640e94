"""One promise of an event and its room: asked for, confirmed or refused, released.

draft -> awaiting-room -> published. An event with a room is published only once booking has
confirmed it, and keeps its old room until a new one is confirmed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.events.handlers.events import (
    ROOM_BOUND,
    Check,
    cancel_event,
    change_event,
    lock_event,
    open_to_public,
    refuse_incomplete,
    refuse_unready,
)
from services.events.models import Event
from services.events.rules.programme import missing, refuse_incoherent
from shared.contracts.booking import BookingCancelled, BookingConfirmed, BookingRejected
from shared.contracts.events import RoomReleased, RoomRequested
from shared.http.problems import NotFound, WrongState
from shared.store import Work


@dataclass(frozen=True)
class PublishEvent:
    """An event shall be public."""

    event_id: str
    check: Check | None = None


async def publish_event(work: Work, command: PublishEvent) -> Event:
    """Make a draft public, or ask booking for its room first.

    Raises NotFound, NotReady with what is missing, or WrongState.
    """
    event = await lock_event(work, command.event_id, command.check)
    refuse_unready(event, work.now)
    if event.room_id is None:
        await open_to_public(work, event)
        return event
    event.status = "awaiting-room"
    event.room_refusal = None
    _ask(work, event, _wanted(event))
    await work.flush()
    return event


@dataclass(frozen=True)
class ChangeEvent:
    """Fields of an event change."""

    event_id: str
    values: dict[str, Any]
    check: Check | None = None


async def reschedule_or_change(work: Work, command: ChangeEvent) -> Event:
    """Change an event; where its room is concerned, only once booking has confirmed the new one.

    Raises NotFound, NotReady, EventIncoherent or WrongState.
    """
    event = await lock_event(work, command.event_id, command.check)
    if event.status == "awaiting-room":
        raise WrongState("Booking has not answered about the room yet.", state=event.status)
    values = dict(command.values)
    moves = {
        name: values[name]
        for name in ROOM_BOUND
        if name in values and values[name] != getattr(event, name)
    }
    if event.status != "published" or not moves or moves.get("room_id", event.room_id) is None:
        await change_event(work, event, values)
        if event.room_id is None:
            _release(work, event)
        await work.flush()
        return event
    if event.room_wanted is not None:
        raise WrongState("Booking has not answered about the room yet.", state=event.status)
    _refuse_impossible(event, values, work.now)
    rest = {name: value for name, value in values.items() if name not in ROOM_BOUND}
    if rest:
        await change_event(work, event, rest)
    _ask(work, event, _wanted(event, **moves))
    await work.flush()
    return event


@dataclass(frozen=True)
class CancelEvent:
    """An event does not take place."""

    event_id: str
    reason: str
    check: Check | None = None


async def call_off(work: Work, command: CancelEvent) -> Event:
    """Cancel an event; booking frees its room when it hears of it."""
    event = await lock_event(work, command.event_id, command.check)
    await cancel_event(work, event, command.reason)
    return event


async def keep_room(work: Work, message: BookingConfirmed) -> None:
    """Take the room that booking confirmed, or give back one that is not wanted any more."""
    if message.for_ is None or message.for_.kind != "event":
        return
    event = await _event(work, message.for_.id)
    if event is None or event.booking_id == message.booking_id:
        return
    if not _answers(event, message):
        work.publish(RoomReleased(event_id=message.for_.id, booking_id=message.booking_id))
        return
    wanted = _times(event.room_wanted or {})
    old, event.booking_id, event.room_wanted = event.booking_id, message.booking_id, None
    if event.status == "awaiting-room":
        if missing(event, work.now):
            event.status = "draft"
            event.room_refusal = "too-late"
            _release(work, event)
            return
        await open_to_public(work, event)
        return
    event.room_refusal = None
    await change_event(work, event, wanted)
    if old is not None:
        work.publish(RoomReleased(event_id=event.id, booking_id=old), sequence=event.revision)


async def do_without_room(work: Work, message: BookingRejected) -> None:
    """Go back to a draft with booking's reason, or stay with the old room and time."""
    if message.for_ is None or message.for_.kind != "event":
        return
    event = await _event(work, message.for_.id)
    if event is None or not _answers(event, message):
        return
    event.room_wanted = None
    event.room_refusal = message.reason
    if event.status == "awaiting-room":
        event.status = "draft"
    event.revision += 1
    event.changed_at = work.now


async def lose_room(work: Work, message: BookingCancelled) -> None:
    """Note for staff that a public event has lost its room; it was not the event that let go."""
    if message.for_ is None or message.for_.kind != "event":
        return
    event = await _event(work, message.for_.id)
    if event is None or event.booking_id != message.booking_id or event.status != "published":
        return
    event.booking_id = None
    event.room_refusal = "room-lost"
    event.revision += 1
    event.changed_at = work.now


async def _event(work: Work, event_id: str) -> Event | None:
    try:
        return await lock_event(work, event_id)
    except NotFound:
        return None


def _refuse_impossible(event: Event, values: dict[str, Any], now: datetime) -> None:
    """Raise what the change would raise once the room is confirmed."""
    if event.attendance_closed_at is not None:
        raise WrongState("The event is over.", state=event.status)
    planned = event.model_copy(update=values)
    refuse_incoherent(planned)
    refuse_incomplete(planned, event.starts_at, now)


def _wanted(event: Event, **moves: Any) -> dict[str, Any]:
    wanted = {name: moves.get(name, getattr(event, name)) for name in ROOM_BOUND}
    return {
        **wanted,
        "starts_at": wanted["starts_at"].isoformat(),
        "ends_at": wanted["ends_at"].isoformat(),
    }


def _times(wanted: dict[str, Any]) -> dict[str, Any]:
    return {
        "room_id": wanted["room_id"],
        "starts_at": datetime.fromisoformat(wanted["starts_at"]),
        "ends_at": datetime.fromisoformat(wanted["ends_at"]),
    }


def _ask(work: Work, event: Event, wanted: dict[str, Any]) -> None:
    event.room_wanted = wanted
    event.revision += 1
    event.changed_at = work.now
    organiser = next((p for p in event.partners if p["role"] == "organiser"), None)
    work.publish(
        RoomRequested(
            event_id=event.id,
            organisation_id=organiser["organisation_id"] if organiser else None,
            people=max(1, event.capacity),
            **_times(wanted),
        ),
        sequence=event.revision,
    )


def _answers(event: Event, message: BookingConfirmed | BookingRejected) -> bool:
    """Say whether booking speaks of the room and time that the event waits for."""
    if event.room_wanted is None or event.status not in ("awaiting-room", "published"):
        return False
    wanted = _times(event.room_wanted)
    return wanted == {
        "room_id": message.room_id,
        "starts_at": message.starts_at,
        "ends_at": message.ends_at,
    }


def _release(work: Work, event: Event) -> None:
    if event.booking_id is None:
        return
    work.publish(RoomReleased(event_id=event.id, booking_id=event.booking_id))
    event.booking_id = None
