"""Telling of a move: everybody who has a place learns once where and when the event is now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from services.notifications.handlers.event_letters import event_letter, with_place
from services.notifications.handlers.letters import SendLetter, send_letter
from services.notifications.models import Contact, KnownEvent
from services.notifications.rules import recipient_hash
from shared.ids import new_id
from shared.store import Work
from shared.store.scheduler import Due

AT_ONCE = 200


@dataclass(frozen=True)
class TellOfMove:
    """An event has another time or place, as the message `message_id` says."""

    message_id: str
    event_id: str
    previous_starts_at: datetime
    previous_ends_at: datetime


async def tell_of_move(work: Work, command: TellOfMove) -> None:
    """Have everybody told who has a place and whose calendar says otherwise."""
    data = {
        "event_id": command.event_id,
        "previous_starts_at": command.previous_starts_at.isoformat(),
        "previous_ends_at": command.previous_ends_at.isoformat(),
    }
    await work.later("tell-of-move", command.message_id, work.now, data)


async def write_move_letters(work: Work, due: Due) -> None:
    """Write the letters, so many at a time; `invited` remembers the move that a person knows of."""
    event = await work.get(KnownEvent, due.data["event_id"])
    if event is None or event.ends_at <= work.now:
        return
    untold = (
        select(Contact)
        .where(
            col(Contact.event_id) == event.event_id,
            col(Contact.email).is_not(None),
            col(Contact.is_over).is_(False),
            col(Contact.invited) < event.calendar_sequence,
        )
        .order_by(col(Contact.id))
        .limit(AT_ONCE)
        .with_for_update()
    )
    contacts = (await work.scalars(untold)).all()
    before = {
        name: datetime.fromisoformat(due.data[name])
        for name in ("previous_starts_at", "previous_ends_at")
    }
    for contact in contacts:
        contact.invited = event.calendar_sequence
        more = {**before, **await with_place(work, contact, event)}
        letter = event_letter(work, "event-rescheduled", contact, event, **more)
        recipient = recipient_hash(due.key, contact.id)
        await send_letter(work, SendLetter(due.key, letter, contact.id, new_id(), recipient))
    if len(contacts) == AT_ONCE:
        await work.later(due.kind, due.key, work.now, due.data)
