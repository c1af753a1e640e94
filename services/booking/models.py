"""Booking's tables: venues, rooms and their cells, bookings and what they occupy, visits."""

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import JSON, Column, Index, MetaData
from sqlmodel import Field, SQLModel

from shared.store import table_metadata

NO_OVERLAP = "occupancy_no_overlap"
"""The database's own guard: an exclusion constraint, or a trigger that aborts."""


metadata = table_metadata()


class Table(SQLModel):
    """Booking's tables."""

    metadata: ClassVar[MetaData] = metadata


class Venue(Table, table=True):
    """A house with rooms; its revision counts what was said of its visits."""

    id: str = Field(primary_key=True)
    name: str
    time_zone: str
    revision: int


class Room(Table, table=True):
    """A room that can be booked; its hours are wall time of its venue."""

    id: str = Field(primary_key=True)
    venue_id: str = Field(foreign_key="venue.id", index=True)
    name: str
    capacity: int
    equipment: list[str] = Field(sa_column=Column(JSON, nullable=False))
    opens_at: str
    closes_at: str
    buffer_minutes: int
    needs_approval: bool
    retired_on: date | None
    changed_at: datetime
    revision: int


class Cell(Table, table=True):
    """A part of a venue that can be occupied once at a time: what bookings lock."""

    id: str = Field(primary_key=True)
    venue_id: str = Field(foreign_key="venue.id")


class RoomCell(Table, table=True):
    """Which cells a room is made of: rooms that share one conflict."""

    __tablename__ = "room_cell"

    room_id: str = Field(primary_key=True, foreign_key="room.id")
    cell_id: str = Field(primary_key=True, foreign_key="cell.id")


class Booking(Table, table=True):
    """Somebody's wish for a room, and what became of it."""

    __table_args__ = (
        Index("ix_booking_for", "for_kind", "for_id"),
        Index("ix_booking_starts_at", "starts_at", "id"),
    )

    id: str = Field(primary_key=True)
    room_id: str = Field(foreign_key="room.id", index=True)
    organisation_id: str | None = Field(index=True)
    purpose: str | None
    starts_at: datetime
    ends_at: datetime
    expected_people: int
    people: int | None
    buffer_minutes: int
    status: str
    reason: str | None
    for_kind: str | None
    for_id: str | None
    revision: int
    changed_at: datetime


class Occupancy(Table, table=True):
    """A cell that a booking occupies, or asks for (not blocking); gone with the claim.

    `guarded_from` and `guarded_until` are its time with the booking's buffer on either side.
    """

    __table_args__ = (Index("ix_occupancy_cell", "cell_id", "guarded_until"),)

    booking_id: str = Field(primary_key=True, foreign_key="booking.id")
    cell_id: str = Field(primary_key=True, foreign_key="cell.id")
    starts_at: datetime
    ends_at: datetime
    guarded_from: datetime
    guarded_until: datetime
    blocking: bool


class Contact(Table, table=True):
    """Whom to tell about a booking: personal data, in a row of its own."""

    booking_id: str = Field(primary_key=True, foreign_key="booking.id")
    name: str
    email: str
    language: str


class VisitCount(Table, table=True):
    """How many visits the counter at a venue's door saw on a day."""

    __tablename__ = "visit_count"

    venue_id: str = Field(primary_key=True, foreign_key="venue.id")
    day: date = Field(primary_key=True)
    visits: int


class KnownOrganisation(Table, table=True):
    """An organisation as directory tells of it: that there is one, and whether still."""

    __tablename__ = "known_organisation"

    id: str = Field(primary_key=True)
    revision: int
    dissolved_on: date | None
