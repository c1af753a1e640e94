"""Use cases of those who decide about requests, and what time decides when nobody does."""

from dataclasses import dataclass
from typing import Any

from services.booking.handlers.bookings import LAPSE, forget_later, put_off, refuse_taken
from services.booking.handlers.places import (
    NOBODY,
    Caller,
    Place,
    booked_for,
    lock_booking,
    occupy,
    release,
    reread,
    revise,
    span_of,
    tell,
)
from services.booking.models import Booking
from services.booking.queries import Obstacle, obstacles
from services.booking.rules import Past, WrongState, local_date
from shared.contracts.booking import (
    BookingConfirmed,
    BookingNoShow,
    BookingRejected,
    Interval,
    Refusal,
)
from shared.contracts.words import BookingStatus
from shared.store import Work
from shared.store.scheduler import Due


@dataclass(frozen=True)
class ApproveBooking:
    """Confirm a request."""

    booking_id: str
    caller: Caller


async def approve_booking(work: Work, command: ApproveBooking) -> tuple[Booking, Place]:
    """Confirm a request, checked again under the lock; refuses the requests that it meets."""
    booking, places = await lock_booking(work, command.booking_id, command.caller)
    place = places[booking.room_id]
    _must_be_requested(booking)
    if booking.starts_at < work.now:
        raise Past("It would have begun by now.")
    span = span_of(booking)
    met = await obstacles(work, place.cells, span, booking.buffer_minutes, but=booking.id)
    refuse_taken(met, is_request=True)
    for rival in met:
        await _refuse_rival(work, rival, booking, place)
    await release(work, booking)
    revise(work, booking, BookingStatus.CONFIRMED)
    await occupy(work, booking, place)
    await work.drop(LAPSE, booking.id)
    await put_off(work, booking)
    tell(work, BookingConfirmed, booking, place)
    return booking, place


async def _refuse_rival(work: Work, rival: Obstacle, winner: Booking, place: Place) -> None:
    """Refuse a request that wanted what is just given away; it may be of a room that shares it."""
    loser = await reread(work, rival.booking_id)
    if loser.status == BookingStatus.REQUESTED:
        conflicts = [Interval(starts_at=winner.starts_at, ends_at=winner.ends_at)]
        await _turn_down(work, loser, place, "room-taken", conflicts=conflicts)


@dataclass(frozen=True)
class RejectBooking:
    """Refuse a request; `reason` is for the people, and does not travel."""

    booking_id: str
    reason: str
    caller: Caller


async def reject_booking(work: Work, command: RejectBooking) -> tuple[Booking, Place]:
    """Refuse a request."""
    booking, places = await lock_booking(work, command.booking_id, command.caller)
    place = places[booking.room_id]
    _must_be_requested(booking)
    await _turn_down(work, booking, place, "not-approved", said=command.reason)
    return booking, place


async def _turn_down(
    work: Work, booking: Booking, place: Place, reason: Refusal, said: str = "", **more: Any
) -> None:
    await release(work, booking)
    await forget_later(work, booking)
    booking.reason = said or reason
    revise(work, booking, BookingStatus.REJECTED)
    zone = place.venue.time_zone
    message = BookingRejected(
        booking_id=booking.id,
        room_id=booking.room_id,
        organisation_id=booking.organisation_id,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        expected_people=booking.expected_people,
        for_=booked_for(booking.for_id),
        reason=reason,
        venue_id=place.venue.id,
        time_zone=zone,
        local_date=local_date(booking.starts_at, zone),
        **more,
    )
    work.publish(message, sequence=booking.revision)


async def lapse_request(work: Work, due: Due) -> None:
    """Refuse a request whose time has come and that nobody decided."""
    booking, places = await lock_booking(work, due.key, NOBODY)
    if booking.status == BookingStatus.REQUESTED and booking.starts_at <= work.now:
        await _turn_down(work, booking, places[booking.room_id], "not-approved")


async def note_no_show(work: Work, due: Due) -> None:
    """Mark a confirmed booking that is over and that nobody checked in."""
    booking, places = await lock_booking(work, due.key, NOBODY)
    if booking.status == BookingStatus.CONFIRMED and booking.ends_at <= work.now:
        revise(work, booking, BookingStatus.NO_SHOW)
        tell(work, BookingNoShow, booking, places[booking.room_id])


def _must_be_requested(booking: Booking) -> None:
    if booking.status != BookingStatus.REQUESTED:
        raise WrongState("Only a request is decided about.", state=booking.status)
