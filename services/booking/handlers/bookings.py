"""Use cases of a booking: made, moved, called off, checked in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.booking.handlers.places import (
    Caller,
    Place,
    count,
    lock_booking,
    lock_places,
    occupy,
    release,
    revise,
    span_of,
    taken,
    tell,
)
from services.booking.models import Booking, Contact, KnownOrganisation
from services.booking.queries import Obstacle, obstacles
from services.booking.rules import (
    OPEN,
    Span,
    UnknownOrganisation,
    UnknownRoom,
    WrongState,
    check_check_in,
    check_wish,
)
from shared.contracts.booking import (
    BookingCancelled,
    BookingCheckedIn,
    BookingConfirmed,
    BookingContact,
    BookingContactGiven,
    BookingMoved,
    BookingRequested,
)
from shared.contracts.words import BookingStatus
from shared.ids import new_id
from shared.security.sealing import Sealer
from shared.store import Work

NO_SHOW = "no-show"
"""Due at the end of a confirmed booking: nobody came."""
LAPSE = "lapse"
"""Due at the begin of a request that nobody decided."""

CancelReason = Literal["withdrawn", "by-staff", "event-cancelled", "released"]


@dataclass(frozen=True)
class Book:
    """Ask for a room; `contact` is who is told about it."""

    room_id: str
    organisation_id: str | None
    purpose: str | None
    starts_at: datetime
    ends_at: datetime
    expected_people: int
    contact: BookingContact | None = None
    for_event: str | None = None


async def book(work: Work, command: Book) -> tuple[Booking, Place]:
    """Book the room, or note the request where it needs approval; raise why it cannot be had."""
    places = await lock_places(work, command.room_id)
    place = places[command.room_id]
    organisation = await work.get(KnownOrganisation, command.organisation_id)
    if organisation is None or organisation.dissolved_on is not None:
        raise UnknownOrganisation("There is no such organisation.")
    refuse(command, place, await in_the_way(work, command, place), work.now)
    return await enter(work, command, place), place


async def in_the_way(work: Work, command: Book, place: Place) -> list[Obstacle]:
    """Return what is in the way of a wish, under the lock of its place."""
    span = Span(command.starts_at, command.ends_at)
    return await obstacles(work, place.cells, span, place.room.buffer_minutes, but="")


def refuse(command: Book, place: Place, met: list[Obstacle], now: datetime) -> None:
    """Raise why the wish cannot be had, if it cannot."""
    refuse_retired(place)
    check_wish(
        Span(command.starts_at, command.ends_at),
        people=command.expected_people,
        capacity=place.room.capacity,
        hours=place.hours(),
        now=now,
    )
    refuse_taken(met, is_request=place.room.needs_approval)


def refuse_retired(place: Place) -> None:
    """Raise UnknownRoom where the room is gone for good."""
    if place.room.retired_on is not None:
        raise UnknownRoom("That room is gone.")


def refuse_taken(met: list[Obstacle], *, is_request: bool) -> None:
    """Raise RoomTaken: a request stands beside other requests, what is confirmed at once cannot."""
    against = [each for each in met if each.blocking or not is_request]
    if against:
        raise taken(against)


async def enter(work: Work, command: Book, place: Place) -> Booking:
    """Write the booking down, occupy its cells, and tell of it: its contact first."""
    needs_approval = place.room.needs_approval
    status = BookingStatus.REQUESTED if needs_approval else BookingStatus.CONFIRMED
    booking = Booking(
        id=new_id(),
        room_id=command.room_id,
        organisation_id=command.organisation_id,
        purpose=command.purpose,
        starts_at=command.starts_at,
        ends_at=command.ends_at,
        expected_people=command.expected_people,
        people=None,
        buffer_minutes=place.room.buffer_minutes,
        status=status,
        reason=None,
        for_kind="event" if command.for_event else None,
        for_id=command.for_event,
        revision=1,
        changed_at=work.now,
    )
    work.add(booking)
    await occupy(work, booking, place)
    await put_off(work, booking)
    if command.contact is not None:
        give_contact(work, booking, command.contact)
    fact = BookingRequested if needs_approval else BookingConfirmed
    tell(work, fact, booking, place, contact_given=command.contact is not None)
    count(work, status)
    return booking


async def put_off(work: Work, booking: Booking) -> None:
    """Have the booking looked at again when its time comes, as its status asks for."""
    if booking.status == BookingStatus.REQUESTED:
        await work.later(LAPSE, booking.id, booking.starts_at)
    elif booking.status == BookingStatus.CONFIRMED and booking.for_id is None:
        # Whether people came to an event is for events to say.
        await work.later(NO_SHOW, booking.id, booking.ends_at)


def give_contact(work: Work, booking: Booking, contact: BookingContact) -> None:
    """Keep whom to tell in a row of its own, and pass it on sealed."""
    work.add(
        Contact(
            booking_id=booking.id,
            name=contact.name,
            email=contact.email,
            language=contact.language,
        )
    )
    sealed = work.need(Sealer).seal(contact.encode())
    work.publish(BookingContactGiven(booking_id=booking.id, sealed=sealed))


@dataclass(frozen=True)
class MoveBooking:
    """Give a booking another room or time; None = as it was."""

    booking_id: str
    room_id: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    caller: Caller


async def move_booking(work: Work, command: MoveBooking) -> tuple[Booking, Place]:
    """Move a booking that is still open; it keeps its status, and its old time if refused."""
    also = [command.room_id] if command.room_id else []
    booking, places = await lock_booking(work, command.booking_id, command.caller, *also)
    place = places[command.room_id or booking.room_id]
    span = Span(command.starts_at or booking.starts_at, command.ends_at or booking.ends_at)
    if booking.status not in OPEN:
        raise WrongState("Only an open booking can be moved.", state=booking.status)
    if place.room.id == booking.room_id and span == span_of(booking):
        return booking, place
    refuse_retired(place)
    _refuse_to_skip_approval(booking, place, command.caller)
    check_wish(
        span,
        people=booking.expected_people,
        capacity=place.room.capacity,
        hours=place.hours(),
        now=work.now,
        starts_anew=span.starts_at != booking.starts_at,
    )
    buffer = place.room.buffer_minutes
    if place.room.id == booking.room_id:
        buffer = booking.buffer_minutes
    met = await obstacles(work, place.cells, span, buffer, but=booking.id)
    refuse_taken(met, is_request=booking.status == BookingStatus.REQUESTED)
    before = {
        "previous_room_id": booking.room_id,
        "previous_starts_at": booking.starts_at,
        "previous_ends_at": booking.ends_at,
    }
    await release(work, booking)
    booking.room_id, booking.buffer_minutes = place.room.id, buffer
    booking.starts_at, booking.ends_at = span.starts_at, span.ends_at
    revise(work, booking)
    await occupy(work, booking, place)
    await put_off(work, booking)
    tell(work, BookingMoved, booking, place, **before)
    return booking, place


def _refuse_to_skip_approval(booking: Booking, place: Place, caller: Caller) -> None:
    decided = booking.status == BookingStatus.CONFIRMED
    if decided and place.room.needs_approval and not caller.may_decide:
        raise WrongState(
            "That room needs approval: ask anew, or have the staff move it.",
            state=booking.status,
        )


@dataclass(frozen=True)
class CancelBooking:
    """Call a booking off."""

    booking_id: str
    reason: CancelReason
    caller: Caller


async def cancel_booking(work: Work, command: CancelBooking) -> tuple[Booking, Place]:
    """Call off a booking that is not over; its time is free at once."""
    booking, places = await lock_booking(work, command.booking_id, command.caller)
    place = places[booking.room_id]
    if booking.status not in OPEN or booking.ends_at <= work.now:
        raise WrongState("Only an open booking can be called off.", state=booking.status)
    await call_off(work, booking, place, command.reason)
    return booking, place


async def call_off(work: Work, booking: Booking, place: Place, reason: CancelReason) -> None:
    """Cancel an open booking under its lock."""
    await release(work, booking)
    await forget_later(work, booking)
    booking.reason = reason
    revise(work, booking, BookingStatus.CANCELLED)
    tell(work, BookingCancelled, booking, place, reason=reason)


async def forget_later(work: Work, booking: Booking) -> None:
    """Drop whatever was put off for the booking."""
    await work.drop(NO_SHOW, booking.id)
    await work.drop(LAPSE, booking.id)


@dataclass(frozen=True)
class CheckIn:
    """Say how many people came."""

    booking_id: str
    people: int
    caller: Caller


async def check_in(work: Work, command: CheckIn) -> tuple[Booking, Place]:
    """Check a gathering in; another number corrects the one before, the same changes nothing."""
    booking, places = await lock_booking(work, command.booking_id, command.caller)
    place = places[booking.room_id]
    check_check_in(
        BookingStatus(booking.status),
        span_of(booking),
        place.hours().zone,
        is_staff=command.caller.is_staff,
        now=work.now,
    )
    if booking.status == BookingStatus.CHECKED_IN and booking.people == command.people:
        return booking, place
    is_first = booking.status != BookingStatus.CHECKED_IN
    await work.drop(NO_SHOW, booking.id)
    booking.people = command.people
    revise(work, booking, BookingStatus.CHECKED_IN if is_first else None)
    tell(work, BookingCheckedIn, booking, place, people=command.people)
    return booking, place
