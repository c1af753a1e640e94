"""Reads of venues, rooms, bookings and visits, and what stands in the way of a wish."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import eq, ge, gt, le, lt
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlmodel import col

from services.booking.models import (
    Booking,
    KnownOrganisation,
    Occupancy,
    Room,
    RoomCell,
    Venue,
    VisitCount,
)
from services.booking.rules import Hours, NothingHere, Span, free_spans, is_open, local_date
from shared.contracts.words import BookingStatus
from shared.http.paging import Paging, keyset
from shared.store import Reader, Work

MOST_CONFLICTS = 100


@dataclass(frozen=True)
class Obstacle:
    """A booking in the way: decided (`blocking`), or only asked for."""

    booking_id: str
    span: Span
    blocking: bool


async def obstacles(
    reader: Reader | Work, cells: Collection[str], span: Span, buffer_minutes: int, *, but: str
) -> list[Obstacle]:
    """Return what lies in the way of a stretch of time in these cells, the booking `but` aside.

    Between two bookings lies at least the larger of their buffers.
    """
    buffer = timedelta(minutes=buffer_minutes)
    from_, until = span.starts_at - buffer, span.ends_at + buffer
    theirs = Occupancy
    statement = (
        select(
            col(theirs.booking_id),
            col(theirs.starts_at),
            col(theirs.ends_at),
            col(theirs.blocking),
        )
        .where(
            col(theirs.cell_id).in_(cells),
            col(theirs.booking_id) != but,
            col(theirs.guarded_until) > from_,
            or_(col(theirs.starts_at) < until, col(theirs.guarded_from) < span.ends_at),
            or_(col(theirs.ends_at) > from_, col(theirs.guarded_until) > span.starts_at),
        )
        .order_by(col(theirs.starts_at), col(theirs.booking_id))
        .distinct()
        .limit(MOST_CONFLICTS)
    )
    rows = (await reader.execute(statement)).all()
    return [Obstacle(row[0], Span(row[1], row[2]), row[3]) for row in rows]


@dataclass(frozen=True)
class RoomView:
    """A room as it is shown."""

    id: str
    venue_id: str
    name: str
    capacity: int
    equipment: list[str]
    opens_at: str
    closes_at: str
    time_zone: str
    buffer_minutes: int
    needs_approval: bool
    retired_on: date | None
    revision: int

    def hours(self) -> Hours:
        """Return its opening hours."""
        return Hours(self.opens_at, self.closes_at, ZoneInfo(self.time_zone))


def room_view(room: Room, venue: Venue) -> RoomView:
    """Return what is shown of a room."""
    return RoomView(
        **room.model_dump(exclude={"venue_id", "changed_at"}),
        venue_id=venue.id,
        time_zone=venue.time_zone,
    )


async def one_room(reader: Reader, room_id: str) -> RoomView:
    """Return a room; raise NothingHere."""
    row = (await reader.execute(_rooms().where(col(Room.id) == room_id))).one_or_none()
    if row is None:
        raise NothingHere("There is no such room here.")
    return room_view(*row)


async def rooms(
    reader: Reader, paging: Paging, venue_id: str | None, changed_since: datetime | None
) -> tuple[list[RoomView], str | None]:
    """Return a page of rooms by name; with `changed_since`, those retired since are among them."""
    if changed_since is None:
        statement = _rooms().where(col(Room.retired_on).is_(None))
    else:
        statement = _rooms().where(col(Room.changed_at) >= changed_since)
    if venue_id is not None:
        statement = statement.where(col(Room.venue_id) == venue_id)
    rows, following = await keyset(
        reader,
        statement,
        [col(Room.name), col(Room.id)],
        limit=paging.limit,
        cursor=paging.cursor,
    )
    return [room_view(*row) for row in rows], following


def _rooms() -> Any:
    return select(Room, Venue).join(Venue, col(Venue.id) == col(Room.venue_id))


async def is_known(reader: Reader, organisation_id: str) -> bool:
    """Say whether directory has told of an organisation."""
    known = col(KnownOrganisation.id)
    statement = select(known).where(known == organisation_id)
    return await reader.scalar(statement) is not None


async def one_venue(reader: Reader | Work, venue_id: str) -> Venue:
    """Return a venue; raise NothingHere."""
    venue = await reader.get(Venue, venue_id)
    if venue is None:
        raise NothingHere("There is no such venue here.")
    return venue


async def venues(reader: Reader, paging: Paging) -> tuple[list[Venue], str | None]:
    """Return a page of venues by name."""
    keys = [col(Venue.name), col(Venue.id)]
    return await keyset(reader, select(Venue), keys, limit=paging.limit, cursor=paging.cursor)


@dataclass(frozen=True)
class Availability:
    """When a room is taken and when it is open and free, within a window."""

    room_id: str
    busy: list[Span]
    free: list[Span]


async def availability(reader: Reader, room_id: str, window: Span) -> Availability:
    """Return a room's availability; what is free leaves room for buffers on either side."""
    room = await one_room(reader, room_id)
    return (await _availabilities(reader, [room], window))[0]


async def availabilities(
    reader: Reader, paging: Paging, window: Span
) -> tuple[list[Availability], str | None]:
    """Return the availability of a page of rooms by name, with one look at what is taken."""
    some, following = await rooms(reader, paging, None, None)
    return await _availabilities(reader, some, window), following


async def _availabilities(
    reader: Reader, some: Sequence[RoomView], window: Span
) -> list[Availability]:
    widest = timedelta(minutes=max((each.buffer_minutes for each in some), default=0))
    statement = (
        select(col(RoomCell.room_id), Occupancy)
        .join(Occupancy, col(Occupancy.cell_id) == col(RoomCell.cell_id))
        .where(
            col(RoomCell.room_id).in_([each.id for each in some]),
            col(Occupancy.blocking),
            col(Occupancy.guarded_until) > window.starts_at - widest,
            col(Occupancy.guarded_from) < window.ends_at + widest,
        )
        .order_by(col(Occupancy.starts_at), col(Occupancy.booking_id))
    )
    taken: dict[str, dict[str, Occupancy]] = {each.id: {} for each in some}
    for room_id, occupancy in (await reader.execute(statement)).all():
        taken[room_id][occupancy.booking_id] = occupancy
    return [_availability(each, taken[each.id].values(), window) for each in some]


def _availability(room: RoomView, taken: Collection[Occupancy], window: Span) -> Availability:
    own = timedelta(minutes=room.buffer_minutes)
    guarded = [
        Span(
            min(each.guarded_from, each.starts_at - own),
            max(each.guarded_until, each.ends_at + own),
        )
        for each in taken
    ]
    busy = [
        Span(max(each.starts_at, window.starts_at), min(each.ends_at, window.ends_at))
        for each in taken
        if window.meets(Span(each.starts_at, each.ends_at))
    ]
    return Availability(room.id, busy, free_spans(room.hours(), window, guarded))


async def free_rooms(
    reader: Reader, span: Span, people: int, equipment: Collection[str]
) -> list[RoomView]:
    """Return the rooms that are free and fit: the smallest first, then the plainest."""
    statement = _rooms().where(col(Room.capacity) >= people, col(Room.retired_on).is_(None))
    wanted = {word.casefold() for word in equipment}
    found = []
    for row in (await reader.execute(statement)).all():
        room = room_view(*row)
        has = {word.casefold() for word in room.equipment}
        if wanted <= has and is_open(room.hours(), span):
            cells = await cells_of(reader, room.id)
            in_the_way = await obstacles(reader, cells, span, room.buffer_minutes, but="")
            if not any(_is_in_the_way(each, room) for each in in_the_way):
                found.append(room)
    return sorted(found, key=lambda each: (each.capacity, len(each.equipment), each.name, each.id))


def _is_in_the_way(obstacle: Obstacle, room: RoomView) -> bool:
    """Say whether a wish for the room would be refused: what waits for approval shuts nobody out
    from asking too.
    """
    return obstacle.blocking or not room.needs_approval


async def cells_of(reader: Reader | Work, room_id: str) -> Sequence[str]:
    """Return the cells a room is made of."""
    statement = select(col(RoomCell.cell_id)).where(col(RoomCell.room_id) == room_id)
    return (await reader.scalars(statement)).all()


@dataclass(frozen=True)
class BookingView:
    """A booking as it is shown to those who may see it; without its contact."""

    id: str
    room_id: str
    venue_id: str
    organisation_id: str | None
    purpose: str | None
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    local_date: date
    expected_people: int
    people: int | None
    buffer_minutes: int
    status: BookingStatus
    reason: str | None
    for_: dict[str, str] | None
    changed_at: datetime
    revision: int


def booking_view(booking: Booking, venue_id: str, time_zone: str) -> BookingView:
    """Return what is shown of a booking."""
    return BookingView(
        **booking.model_dump(exclude={"status", "for_kind", "for_id"}),
        status=BookingStatus(booking.status),
        venue_id=venue_id,
        time_zone=time_zone,
        local_date=local_date(booking.starts_at, time_zone),
        for_={"kind": booking.for_kind, "id": booking.for_id}
        if booking.for_kind and booking.for_id
        else None,
    )


@dataclass(frozen=True)
class BookingFilter:
    """Which bookings are asked for; None = whichever."""

    room_id: str | None = None
    organisation_id: str | None = None
    from_: datetime | None = None
    to: datetime | None = None
    status: BookingStatus | None = None
    changed_since: datetime | None = None
    bound_to: str | None = None
    """The organisation beyond which the caller sees nothing."""


async def one_booking(reader: Reader, booking_id: str, bound_to: str | None) -> BookingView:
    """Return a booking; raise NothingHere, also where it is another organisation's."""
    row = (await reader.execute(_bookings().where(col(Booking.id) == booking_id))).one_or_none()
    if row is None or (bound_to is not None and row[0].organisation_id != bound_to):
        raise NothingHere("There is no such booking here.")
    return booking_view(*row)


async def bookings(
    reader: Reader, paging: Paging, wanted: BookingFilter
) -> tuple[list[BookingView], str | None]:
    """Return a page of the bookings that touch a window, by their begin."""
    conditions = _given(
        (col(Booking.room_id), eq, wanted.room_id),
        (col(Booking.organisation_id), eq, wanted.organisation_id),
        (col(Booking.organisation_id), eq, wanted.bound_to),
        (col(Booking.ends_at), gt, wanted.from_),
        (col(Booking.starts_at), lt, wanted.to),
        (col(Booking.status), eq, wanted.status),
        (col(Booking.changed_at), ge, wanted.changed_since),
    )
    statement = _bookings().where(*conditions)
    rows, following = await keyset(
        reader,
        statement,
        [col(Booking.starts_at), col(Booking.id)],
        limit=paging.limit,
        cursor=paging.cursor,
    )
    return [booking_view(*row) for row in rows], following


def _bookings() -> Any:
    return (
        select(Booking, col(Venue.id), col(Venue.time_zone))
        .join(Room, col(Room.id) == col(Booking.room_id))
        .join(Venue, col(Venue.id) == col(Room.venue_id))
    )


async def visit_counts(
    reader: Reader, paging: Paging, venue_id: str, from_: date | None, to: date | None
) -> tuple[list[VisitCount], str | None]:
    """Return a page of a venue's visits by day; both days are part of the period."""
    await one_venue(reader, venue_id)
    conditions = _given((col(VisitCount.day), ge, from_), (col(VisitCount.day), le, to))
    statement = select(VisitCount).where(col(VisitCount.venue_id) == venue_id, *conditions)
    return await keyset(
        reader, statement, [col(VisitCount.day)], limit=paging.limit, cursor=paging.cursor
    )


def _given(*conditions: tuple[Any, Callable[[Any, Any], Any], Any]) -> list[Any]:
    """Return the comparisons that are asked for: those whose value is not None."""
    return [compare(column, value) for column, compare, value in conditions if value is not None]
