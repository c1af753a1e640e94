"""Hearing of bookings: who gave a contact is told what became of the wish."""

from typing import Any

from services.notifications.handlers.contacts import let_contact_go, need_contact_until
from services.notifications.handlers.event_letters import calendar_end, calendar_request
from services.notifications.handlers.letters import WriteLetter, is_written, write_letter
from services.notifications.letter import Letter
from services.notifications.messages.subscriptions import letters, missing_contact
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


@letters.on(BookingRequested)
async def write_booking_received(work: Work, message: BookingRequested) -> None:
    """Say that the wish came in and waits for an answer."""
    told = await _told(work, message, "booking-requested")
    if told is not None:
        await _write(work, "booking-requested", *told, message)
        await need_contact_until(work, told[0], message.ends_at)


@letters.on(BookingMoved)
async def write_booking_move(work: Work, message: BookingMoved) -> None:
    """Say which time and room the booking has now; a calendar that knows it is updated."""
    told = await _told(work, message, "booking-moved")
    if told is None:
        return
    contact, room = told
    more: dict[str, Any] = {
        "previous_starts_at": message.previous_starts_at,
        "previous_ends_at": message.previous_ends_at,
    }
    if message.previous_room_id != message.room_id:
        before = await work.get(KnownRoom, message.previous_room_id)
        more["previous_place"] = None if before is None else before.name
    if contact.invited is not None:
        contact.invited += 1
        more["invitation"] = calendar_request(work, contact)
    await _write(work, "booking-moved", contact, room, message, **more)
    await need_contact_until(work, contact, message.ends_at)


@letters.on(BookingConfirmed)
async def write_booking_confirmation(work: Work, message: BookingConfirmed) -> None:
    """Say that the room is theirs, with the entry for their calendar."""
    told = await _told(work, message, "booking-confirmed")
    if told is None:
        return
    contact, room = told
    contact.invited = 0
    invitation = calendar_request(work, contact)
    await _write(work, "booking-confirmed", contact, room, message, invitation=invitation)
    await need_contact_until(work, contact, message.ends_at)


@letters.on(BookingCancelled)
async def write_booking_cancellation(work: Work, message: BookingCancelled) -> None:
    """Say that the booking was called off, and take it out of their calendar."""
    told = await _told(work, message, "booking-cancelled")
    if told is None:
        return
    contact, room = told
    more = {"reason": message.reason, "invitation": calendar_end(work, contact)}
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
