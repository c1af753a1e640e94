"""Hearing of events and rooms."""

from services.notifications.handlers.known import know_event, know_room
from services.notifications.handlers.moves import TellOfMove, tell_of_move
from services.notifications.messages.subscriptions import letters, programme, revision
from shared.contracts.booking import RoomChanged, RoomDescription, RoomOpened
from shared.contracts.events.event import (
    EventChanged,
    EventDescription,
    EventPublished,
    EventRescheduled,
)
from shared.messaging.subscription import received
from shared.store import Work


@letters.on(EventPublished, EventChanged)
@programme.on(EventPublished, EventChanged, EventRescheduled)
async def learn_of_event(work: Work, message: EventDescription) -> None:
    """Know an event as it is after this fact."""
    await know_event(work, message, revision())


@letters.on(EventRescheduled)
async def tell_who_has_a_place(work: Work, message: EventRescheduled) -> None:
    """Know the event as it is now, and have it told to everybody who was sent an invitation."""
    await know_event(work, message, revision())
    command = TellOfMove(
        message_id=received().id,
        event_id=message.event_id,
        previous_starts_at=message.previous_starts_at,
        previous_ends_at=message.previous_ends_at,
    )
    await tell_of_move(work, command)


@letters.on(RoomOpened, RoomChanged)
@programme.on(RoomOpened, RoomChanged)
async def learn_of_room(work: Work, message: RoomDescription) -> None:
    """Know a room as it is after this fact."""
    await know_room(work, message, revision())
