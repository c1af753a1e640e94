"""Bodies of booking's requests and answers."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.contracts.words import BookingStatus
from shared.http.body import Body, Count, Email, Id, Instant, Line, Name, People, Text, Zone

Wall = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
"""A wall time, HH:MM; 24:00 is the end of the day."""
Equipment = Annotated[str, Line(60)]
Language = Annotated[str, StringConstraints(pattern=r"^(sv|en)$")]


class VenueIn(Body):
    """A venue to open."""

    name: Name
    time_zone: Zone


class VenueOut(BaseModel):
    """A venue."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    time_zone: str


class RoomIn(Body):
    """A room to open; its hours are on the venue's wall clock."""

    venue_id: Id
    name: Name
    capacity: People
    equipment: Annotated[list[Equipment], Field(max_length=50)] = []
    opens_at: Wall = "00:00"
    closes_at: Wall = "24:00"
    buffer_minutes: Annotated[int, Field(ge=0, le=1440)] = 0
    needs_approval: bool = False


class RoomPatch(Body):
    """What to change of a room; what is left out stays."""

    name: Name | None = None
    capacity: People | None = None
    equipment: Annotated[list[Equipment], Field(max_length=50)] | None = None
    opens_at: Wall | None = None
    closes_at: Wall | None = None
    buffer_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None
    needs_approval: bool | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "RoomPatch":
        given = [getattr(self, name) for name in self.model_fields_set]
        if not given or None in given:
            raise ValueError("nothing to change, or something to null")
        return self


class RoomOut(BaseModel):
    """A room."""

    model_config = ConfigDict(from_attributes=True)

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


class SpanOut(BaseModel):
    """A stretch of time, half-open."""

    model_config = ConfigDict(from_attributes=True)

    starts_at: datetime
    ends_at: datetime


class AvailabilityOut(BaseModel):
    """When a room is taken, and when it can be had; without names."""

    model_config = ConfigDict(from_attributes=True)

    busy: list[SpanOut]
    free: list[SpanOut]


class RoomAvailabilityOut(AvailabilityOut):
    """The availability of one room among all."""

    room_id: str


class ContactIn(Body):
    """Whom to tell about a booking; seen by nobody else."""

    name: Name
    email: Email
    language: Language


class BookingIn(Body):
    """A wish for a room."""

    room_id: Id
    organisation_id: Id
    purpose: Annotated[str, Line(300)]
    starts_at: Instant
    ends_at: Instant
    expected_people: People
    contact: ContactIn | None = None


class BookingPatch(Body):
    """Where and when a booking moves to; what is left out stays."""

    room_id: Id | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None

    @model_validator(mode="after")
    def _moves_somewhere(self) -> "BookingPatch":
        if all(value is None for value in (self.room_id, self.starts_at, self.ends_at)):
            raise ValueError("nothing to change")
        return self


class PeopleIn(Body):
    """How many people came."""

    people: People


class ReasonIn(Body):
    """Why a request is refused, for those who asked."""

    reason: Annotated[str, Text(500)]


class ForOut(BaseModel):
    """What a booking serves."""

    kind: str
    id: str


class BookingOut(BaseModel):
    """A booking; never its contact."""

    model_config = ConfigDict(from_attributes=True, serialize_by_alias=True)

    id: str
    status: BookingStatus
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
    """How many came, once it is checked in."""
    buffer_minutes: int
    reason: str | None
    """Why it was cancelled or rejected."""
    changed_at: datetime
    """When it became what it is."""
    for_: Annotated[ForOut | None, Field(serialization_alias="for")]


class VisitsIn(Body):
    """How many visits the counter saw."""

    visits: Count


class VisitCountOut(BaseModel):
    """A day's visits to a venue."""

    model_config = ConfigDict(from_attributes=True)

    venue_id: str
    day: date
    visits: int
