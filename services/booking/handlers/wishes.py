"""Use cases that events ask for: a room for an event, and the room given back."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from services.booking.handlers.bookings import (
    Book,
    CancelReason,
    call_off,
    enter,
    in_the_way,
    refuse,
)
from services.booking.handlers.places import NOBODY, Place, booked_for, lock_booking, lock_places
from services.booking.models import Booking
from services.booking.queries import Obstacle
from services.booking.rules import (
    OPEN,
    Closed,
    NothingHere,
    Past,
    RoomTaken,
    Span,
    TooManyPeople,
    UnknownRoom,
    local_date,
)
from shared.contracts.booking import BookingRejected, Interval, Refusal
from shared.ids import new_id
from shared.problem import Problem
from shared.store import Work

REASONS: dict[type[Problem], Refusal] = {
    RoomTaken: "room-taken",
    Closed: "closed",
    Past: "past",
    TooManyPeople: "too-many-people",
    UnknownRoom: "room-unknown",
}
"""What a refusal is called in BookingRejected; everything else is `other`."""


async def book_for_event(work: Work, command: Book) -> None:
    """Book a room for an event, or say why not: the answer is a message either way.

    The event's own booking that is in the way gives way in the same transaction. Its organiser is
    not asked for: events knows that organisation already.
    """
    try:
        place = (await lock_places(work, command.room_id))[command.room_id]
    except UnknownRoom as refusal:
        _reject(work, command, refusal, None, [])
        return
    own = await _open_bookings(work, command.for_event or "")
    if any(_asks_for_the_same(each, command) for each in own):
        return
    own_ids = {each.id for each in own}
    met = await in_the_way(work, command, place)
    others = [each for each in met if each.booking_id not in own_ids]
    try:
        refuse(command, place, others, work.now)
    except Problem as refusal:
        _reject(work, command, refusal, place, others)
        return
    for each in met:
        if each.booking_id in own_ids:
            booking, places = await lock_booking(work, each.booking_id, NOBODY)
            await call_off(work, booking, places[booking.room_id], "released")
    await enter(work, command, place)


@dataclass(frozen=True)
class ReleaseRooms:
    """Give back what is booked for an event: one booking, or all where none is named."""

    event_id: str
    booking_id: str | None
    reason: CancelReason


async def release_rooms(work: Work, command: ReleaseRooms) -> None:
    """Call off the event's open bookings that the command names."""
    for booking_id in [each.id for each in await _open_bookings(work, command.event_id)]:
        if command.booking_id not in (None, booking_id):
            continue
        try:
            booking, places = await lock_booking(work, booking_id, NOBODY)
        except NothingHere:
            continue
        if booking.status in OPEN and booking.ends_at > work.now:
            await call_off(work, booking, places[booking.room_id], command.reason)


async def _open_bookings(work: Work, event_id: str) -> list[Booking]:
    statement = (
        select(Booking)
        .where(
            col(Booking.for_kind) == "event",
            col(Booking.for_id) == event_id,
            col(Booking.status).in_(OPEN),
        )
        .order_by(col(Booking.id))
    )
    return list((await work.scalars(statement)).all())


def _asks_for_the_same(booking: Booking, command: Book) -> bool:
    return (booking.room_id, booking.starts_at, booking.ends_at) == (
        command.room_id,
        command.starts_at,
        command.ends_at,
    )


def _reject(
    work: Work, command: Book, refusal: Problem, place: Place | None, met: list[Obstacle]
) -> None:
    """Answer that the event gets no such room; the refused wish is kept nowhere."""
    spans: list[Span] = [each.span for each in met] if isinstance(refusal, RoomTaken) else []
    zone = place.venue.time_zone if place else None
    message = BookingRejected(
        booking_id=new_id(),
        room_id=command.room_id,
        organisation_id=command.organisation_id,
        starts_at=command.starts_at,
        ends_at=command.ends_at,
        expected_people=command.expected_people,
        for_=booked_for(command.for_event),
        reason=REASONS.get(type(refusal), "other"),
        venue_id=place.venue.id if place else None,
        time_zone=zone,
        local_date=local_date(command.starts_at, zone) if zone else None,
        conflicts=[Interval(starts_at=each.starts_at, ends_at=each.ends_at) for each in spans],
    )
    work.publish(message, sequence=1)
