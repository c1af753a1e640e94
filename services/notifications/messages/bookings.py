"""Hearing of bookings: who gave a contact is told what became of the wish."""

from typing import Any

from services.notifications.handlers.contacts import let_contact_go, need_contact_until
from services.notifications.handlers.letters import WriteLetter, is_written, write_letter
from services.notifications.letter import Invitation, Letter
from services.notifications.messages.subscriptions import Installation, letters, missing_contact
from services.notifications.models import Contact, KnownRoom
from services.notifications.rules import letter_language
from shared.contracts.booking import (
    BookingCancelled,
    BookingConfirmed,
    BookingContactGiven,
    BookingFact,
    BookingMoved,
    BookingRejected,
    BookingRequested,
    BookingWish,
    RoomOpened,
)
from shared.messaging.subscription import NotYet, received
from shared.store import Work

STANDARD_ZONE = "UTC"


@letters.on(BookingRequested, BookingMoved)
async def await_decision(work: Work, message: BookingFact) -> None:
    """Keep the contact for as long as the booking may need it."""
    contact = await _contact(work, message, "booking-requested")
    if contact is not None:
        await need_contact_until(work, contact, message.ends_at)


@letters.on(BookingConfirmed)
async def write_booking_confirmation(work: Work, message: BookingConfirmed) -> None:
    """Say that the room is theirs, with the entry for their calendar."""
    told = await _told(work, message, "booking-confirmed")
    if told is None:
        return
    contact, room = told
    contact.invited = 0
    invitation = _invitation(work, contact, "REQUEST")
    await _write(work, "booking-confirmed", contact, room, message, invitation=invitation)
    await need_contact_until(work, contact, message.ends_at)


@letters.on(BookingCancelled)
async def write_booking_cancellation(work: Work, message: BookingCancelled) -> None:
    """Say that the booking was called off, and take it out of their calendar."""
    told = await _told(work, message, "booking-cancelled")
    if told is None:
        return
    contact, room = told
    invitation = None if contact.invited is None else _invitation(work, contact, "CANCEL")
    more = {"reason": message.reason, "invitation": invitation}
    await _write(work, "booking-cancelled", contact, room, message, **more)
    await let_contact_go(work, contact)


@letters.on(BookingRejected)
async def write_booking_rejection(work: Work, message: BookingRejected) -> None:
    """Say that the room cannot be theirs, and why."""
    if message.reason == "room-unknown":
        return
    told = await _told(work, message, "booking-rejected")
    if told is None:
        return
    await _write(work, "booking-rejected", *told, message, reason=message.reason)
    await let_contact_go(work, told[0])


async def _contact(work: Work, message: BookingWish, template: str) -> Contact | None:
    """Return who is told, None where nobody is, or not again; it was given when it was booked."""
    if await is_written(work, received().id):
        return None
    contact = await work.get(Contact, message.booking_id)
    if contact is None and message.contact_given:
        await missing_contact(work, BookingContactGiven.topic, message.booking_id, template)
    return contact if contact is not None and contact.email else None


async def _told(
    work: Work, message: BookingWish, template: str
) -> tuple[Contact, KnownRoom] | None:
    """Return who is told about which room; None for no letter."""
    contact = await _contact(work, message, template)
    if contact is None:
        return None
    room = await work.get(KnownRoom, message.room_id)
    if room is None:
        raise NotYet(RoomOpened.topic, message.room_id)
    return contact, room


async def _write(
    work: Work,
    template: str,
    contact: Contact,
    room: KnownRoom,
    message: BookingFact | BookingRejected,
    **more: Any,
) -> None:
    assert contact.email is not None
    letter = Letter.model_validate(
        {
            "template": template,
            "language": letter_language(contact.language),
            "email": contact.email,
            "written_at": work.now,
            "name": contact.name,
            "title": room.name,
            "starts_at": message.starts_at,
            "ends_at": message.ends_at,
            "time_zone": message.time_zone or STANDARD_ZONE,
            "place": room.venue_name,
            "purpose": contact.purpose,
        }
        | more
    )
    await write_letter(work, WriteLetter(received().id, letter, about=contact.id))


def _invitation(work: Work, contact: Contact, method: str) -> Invitation:
    uid = f"booking-{contact.id}@{work.need(Installation).host}"
    return Invitation.model_validate(
        {"method": method, "uid": uid, "sequence": contact.invited or 0}
    )
