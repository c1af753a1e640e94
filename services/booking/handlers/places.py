"""Rooms under lock: what is occupied in them, and who is told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from services.booking.models import NO_OVERLAP, Booking, Cell, Occupancy, Room, RoomCell, Venue
from services.booking.queries import Obstacle
from services.booking.rules import Hours, NothingHere, RoomTaken, Span, UnknownRoom, WrongState
from services.booking.rules import local_date as local_date_at
from shared.contracts.booking import BookedFor, BookingFact
from shared.contracts.words import BookingStatus
from shared.observability.metrics import Metrics
from shared.store import Work


@dataclass(frozen=True)
class Place:
    """A room whose cells this unit of work has locked."""

    room: Room
    venue: Venue
    cells: tuple[str, ...]

    def hours(self) -> Hours:
        """Return its opening hours."""
        return Hours(self.room.opens_at, self.room.closes_at, ZoneInfo(self.venue.time_zone))


async def lock_places(work: Work, *room_ids: str) -> dict[str, Place]:
    """Lock the cells of rooms, always in the order of their ids; raise UnknownRoom.

    Everything that gives or takes time in a room comes through here first, a booking's row second.
    """
    in_rooms = col(RoomCell.room_id).in_(room_ids)
    cells = (
        select(col(RoomCell.room_id), col(Cell.id))
        .join(Cell, col(Cell.id) == col(RoomCell.cell_id))
        .where(in_rooms)
        .order_by(col(Cell.id), col(RoomCell.room_id))
        .with_for_update(of=Cell)
    )
    locked = (await work.execute(cells)).all()
    rooms = (
        select(Room, Venue)
        .join(Venue, col(Venue.id) == col(Room.venue_id))
        .where(col(Room.id).in_(room_ids))
    )
    places = {
        room.id: Place(room, venue, tuple(cell for room_id, cell in locked if room_id == room.id))
        for room, venue in (await work.execute(rooms)).all()
    }
    if any(room_id not in places for room_id in room_ids):
        raise UnknownRoom("There is no such room.")
    return places


@dataclass(frozen=True)
class Caller:
    """Who acts on a booking, and what he believes of it."""

    bound_to: str | None = None
    """The organisation beyond which he reaches nothing."""
    is_staff: bool = False
    may_decide: bool = False
    """Whether he may also approve."""
    unchanged: Callable[[int], None] = lambda revision: None
    """Raises where he read another revision."""


NOBODY = Caller(is_staff=True, may_decide=True)
"""The house itself: what is due, and what other services ask for."""


async def lock_booking(
    work: Work, booking_id: str, caller: Caller, *also_room: str
) -> tuple[Booking, dict[str, Place]]:
    """Lock a booking's room (and `also_room`), then the booking; raise NothingHere."""
    column = select(col(Booking.room_id)).where(col(Booking.id) == booking_id)
    room_id = await work.scalar(column)
    if room_id is None:
        raise NothingHere("There is no such booking here.")
    places = await lock_places(work, *{room_id, *also_room})
    booking = await reread(work, booking_id)
    if caller.bound_to is not None and booking.organisation_id != caller.bound_to:
        raise NothingHere("There is no such booking here.")
    caller.unchanged(booking.revision)
    if booking.room_id not in places:
        raise WrongState("It was moved at this very moment.", state=booking.status)
    return booking, places


async def reread(work: Work, booking_id: str) -> Booking:
    """Lock a booking whose room is locked, and read what it is now."""
    statement = (
        select(Booking)
        .where(col(Booking.id) == booking_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await work.scalars(statement)).one()


def span_of(booking: Booking) -> Span:
    """Return the time of a booking."""
    return Span(booking.starts_at, booking.ends_at)


async def occupy(work: Work, booking: Booking, place: Place) -> None:
    """Claim the cells for the booking; raise RoomTaken where the database's guard says no."""
    buffer = timedelta(minutes=booking.buffer_minutes)
    blocking = booking.status != BookingStatus.REQUESTED
    work.add_all(
        Occupancy(
            booking_id=booking.id,
            cell_id=cell,
            starts_at=booking.starts_at,
            ends_at=booking.ends_at,
            guarded_from=booking.starts_at - buffer,
            guarded_until=booking.ends_at + buffer,
            blocking=blocking,
        )
        for cell in place.cells
    )
    try:
        await work.flush()
    except IntegrityError as error:
        if NO_OVERLAP in str(error.orig):
            raise taken([]) from error
        raise


async def release(work: Work, booking: Booking) -> None:
    """Give the cells of the booking free."""
    await work.execute(delete(Occupancy).where(col(Occupancy.booking_id) == booking.id))


def taken(in_the_way: list[Obstacle]) -> RoomTaken:
    """Return the refusal that names the times in the way."""
    conflicts = [
        {"starts_at": _written(each.span.starts_at), "ends_at": _written(each.span.ends_at)}
        for each in in_the_way
    ]
    return RoomTaken("The room is taken at that time.", conflicts=conflicts)


def _written(at: Any) -> str:
    return str(at.isoformat()).replace("+00:00", "Z")


def revise(work: Work, booking: Booking, status: BookingStatus | None = None) -> None:
    """Count the booking's revision up, and what became of it."""
    booking.revision += 1
    booking.changed_at = work.now
    if status is not None:
        booking.status = status
        count(work, status)


def count(work: Work, status: BookingStatus) -> None:
    """Count, once it is committed, what became of a booking."""
    counter = work.need(Metrics).bookings.labels(str(status))
    work.after_commit(counter.inc)


def tell(work: Work, fact: type[BookingFact], booking: Booking, place: Place, **more: Any) -> None:
    """Publish a fact about the booking as it is now."""
    message = fact(
        booking_id=booking.id,
        room_id=booking.room_id,
        venue_id=place.venue.id,
        organisation_id=booking.organisation_id,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        expected_people=booking.expected_people,
        for_=booked_for(booking.for_id),
        time_zone=place.venue.time_zone,
        local_date=local_date_at(booking.starts_at, place.venue.time_zone),
        **more,
    )
    work.publish(message, sequence=booking.revision)


def booked_for(event_id: str | None) -> BookedFor | None:
    """Return what a booking serves."""
    return None if event_id is None else BookedFor(kind="event", id=event_id)
