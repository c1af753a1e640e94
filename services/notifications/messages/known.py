"""Hearing of events and rooms."""

from services.notifications.handlers.known import know_event, know_room
from services.notifications.messages.subscriptions import letters, programme, revision
from shared.contracts.booking import RoomChanged, RoomDescription, RoomOpened
from shared.contracts.events.event import (
    EventChanged,
    EventDescription,
    EventPublished,
    EventRescheduled,
)
from shared.store import Work


@letters.on(EventPublished, EventChanged, EventRescheduled)
@programme.on(EventPublished, EventChanged, EventRescheduled)
async def learn_of_event(work: Work, message: EventDescription) -> None:
    """Know an event as it is after this fact."""
    await know_event(work, message, revision())


@letters.on(RoomOpened, RoomChanged)
@programme.on(RoomOpened, RoomChanged)
async def learn_of_room(work: Work, message: RoomDescription) -> None:
    """Know a room as it is after this fact."""
    await know_room(work, message, revision())
