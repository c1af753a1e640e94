"""Use cases of those who run a venue: venues and rooms opened, visits counted, who is known."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from services.booking.handlers.places import lock_places
from services.booking.models import (
    Booking,
    Cell,
    KnownOrganisation,
    Room,
    RoomCell,
    Venue,
    VisitCount,
)
from services.booking.rules import (
    OPEN,
    InTheFuture,
    NothingHere,
    UnknownRoom,
    UnknownVenue,
    WrongState,
    check_hours,
    local_date,
)
from shared.contracts.booking import (
    RoomChanged,
    RoomDescription,
    RoomOpened,
    RoomRetired,
    VisitsCorrected,
    VisitsCounted,
)
from shared.ids import new_id
from shared.store import Work


@dataclass(frozen=True)
class OpenVenue:
    """Open a house with rooms."""

    name: str
    time_zone: str


async def open_venue(work: Work, command: OpenVenue) -> Venue:
    """Add the venue."""
    venue = Venue(id=new_id(), name=command.name, time_zone=command.time_zone, revision=1)
    work.add(venue)
    await work.flush()
    return venue


@dataclass(frozen=True)
class OpenRoom:
    """Open a room of a venue for bookings."""

    venue_id: str
    name: str
    capacity: int
    equipment: list[str]
    opens_at: str
    closes_at: str
    buffer_minutes: int
    needs_approval: bool


async def open_room(work: Work, command: OpenRoom) -> tuple[Room, Venue]:
    """Add the room as one cell of its own; raise UnknownVenue."""
    venue = await work.get(Venue, command.venue_id)
    if venue is None:
        raise UnknownVenue("There is no such venue.")
    check_hours(command.opens_at, command.closes_at)
    room = Room(
        id=new_id(),
        venue_id=venue.id,
        name=command.name,
        capacity=command.capacity,
        equipment=command.equipment,
        opens_at=command.opens_at,
        closes_at=command.closes_at,
        buffer_minutes=command.buffer_minutes,
        needs_approval=command.needs_approval,
        retired_on=None,
        changed_at=work.now,
        revision=1,
    )
    cell = Cell(id=new_id(), venue_id=venue.id)
    work.add_all([room, cell, RoomCell(room_id=room.id, cell_id=cell.id)])
    await work.flush()
    work.publish(_described(RoomOpened, work, room, venue), sequence=room.revision)
    return room, venue


@dataclass(frozen=True)
class ChangeRoom:
    """Change what `fields` names of a room; `unchanged` raises where it is at another revision."""

    room_id: str
    fields: dict[str, Any]
    unchanged: Callable[[int], None]


async def change_room(work: Work, command: ChangeRoom) -> tuple[Room, Venue]:
    """Change a room under its lock; what is booked stays, with the buffer it was booked with."""
    try:
        place = (await lock_places(work, command.room_id))[command.room_id]
    except UnknownRoom:
        raise NothingHere("There is no such room here.") from None
    room, venue = place.room, place.venue
    command.unchanged(room.revision)
    changed = {
        name: value for name, value in command.fields.items() if getattr(room, name) != value
    }
    if not changed:
        return room, venue
    for name, value in changed.items():
        setattr(room, name, value)
    room.changed_at = work.now
    room.revision += 1
    check_hours(room.opens_at, room.closes_at)
    if changed.keys() & {"name", "capacity"}:
        work.publish(_described(RoomChanged, work, room, venue), sequence=room.revision)
    return room, venue


@dataclass(frozen=True)
class RetireRoom:
    """Close a room for good, from today."""

    room_id: str
    unchanged: Callable[[int], None]


async def retire_room(work: Work, command: RetireRoom) -> tuple[Room, Venue]:
    """Retire a room that nobody has booked from now on; raise WrongState where somebody has."""
    try:
        place = (await lock_places(work, command.room_id))[command.room_id]
    except UnknownRoom:
        raise NothingHere("There is no such room here.") from None
    room, venue = place.room, place.venue
    command.unchanged(room.revision)
    ahead = select(Booking).where(
        col(Booking.room_id) == room.id,
        col(Booking.status).in_(OPEN),
        col(Booking.ends_at) > work.now,
    )
    if room.retired_on is not None or (await work.scalars(ahead.limit(1))).first() is not None:
        raise WrongState("It is retired already, or still booked.")
    room.retired_on = local_date(work.now, venue.time_zone)
    room.changed_at = work.now
    room.revision += 1
    work.publish(
        RoomRetired(room_id=room.id, venue_id=venue.id, on=room.retired_on),
        sequence=room.revision,
    )
    return room, venue


def _described(
    fact: type[RoomDescription], work: Work, room: Room, venue: Venue
) -> RoomDescription:
    return fact(
        room_id=room.id,
        venue_id=venue.id,
        on=local_date(work.now, venue.time_zone),
        name=room.name,
        venue_name=venue.name,
        capacity=room.capacity,
        time_zone=venue.time_zone,
    )


@dataclass(frozen=True)
class CountVisits:
    """Say how many visits a venue had on a day."""

    venue_id: str
    day: date
    visits: int


async def count_visits(work: Work, command: CountVisits) -> VisitCount:
    """Note a day's visits under the venue's lock; another number corrects the one before.

    The same number again changes nothing. Raises NothingHere, or InTheFuture.
    """
    statement = select(Venue).where(col(Venue.id) == command.venue_id).with_for_update()
    venue = (await work.scalars(statement)).one_or_none()
    if venue is None:
        raise NothingHere("There is no such venue here.")
    if command.day > local_date(work.now, venue.time_zone):
        raise InTheFuture("Visits are counted when the day has come.")
    known = await work.get(VisitCount, (venue.id, command.day))
    if known is not None and known.visits == command.visits:
        return known
    venue.revision += 1
    fact = VisitsCounted if known is None else VisitsCorrected
    if known is None:
        known = VisitCount(venue_id=venue.id, day=command.day, visits=command.visits)
        work.add(known)
    known.visits = command.visits
    message = fact(venue_id=venue.id, day=command.day, visits=command.visits)
    work.publish(message, sequence=venue.revision)
    return known


@dataclass(frozen=True)
class KnowOrganisation:
    """Directory told of an organisation, at this revision of it."""

    organisation_id: str
    revision: int
    dissolved_on: date | None = None


async def know_organisation(work: Work, command: KnowOrganisation) -> None:
    """Keep that there is such an organisation; what is older than known changes nothing."""
    known = await work.get(KnownOrganisation, command.organisation_id)
    if known is None:
        known = KnownOrganisation(id=command.organisation_id, revision=0, dissolved_on=None)
        work.add(known)
    if command.revision >= known.revision:
        known.revision = command.revision
        known.dissolved_on = command.dissolved_on or known.dissolved_on
