"""What booking says: rooms, bookings of them, visits counted at the door, sealed contacts."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.fields import (
    Count,
    Day,
    Id,
    Instant,
    Language,
    Line,
    People,
    Slug,
    TimeZone,
)
from shared.contracts.message import Message, Part

_BOOKING = "se.andan.booking.booking."
_ROOM = "se.andan.booking.room."
_VISIT = "se.andan.booking.visit."
_AN_ID = "0199a1c2-7d3e-7c11-9a55-3f0c1b2d4e5f"


Refusal = Literal[
    "room-taken",
    "closed",
    "past",
    "too-many-people",
    "room-unknown",
    "not-approved",
    "other",
]
"""Why a booking was refused, as a code."""


class RoomFact(Message):
    """A room as it is from a day on."""

    topic: ClassVar[str] = "andan.booking.room.v1"
    keyed_by: ClassVar[str] = "room_id"
    about: ClassVar[str] = "room_id"

    room_id: Id = Field(description="The room.", examples=[_AN_ID])
    venue_id: Id = Field(description="The venue it is part of.", examples=[_AN_ID])
    on: Day = Field(
        description="The day the fact holds from, in the room's zone.",
        examples=["2023-01-01"],
    )


class RoomDescription(RoomFact):
    """A room with all that others need to know about it."""

    name: Line = Field(description="What people call the room.", examples=["Salen"])
    venue_name: Line = Field(
        description="What people call its venue.",
        examples=["Föreningscentret Nobel 21"],
    )
    capacity: People = Field(description="People it holds at most.", examples=[70])
    time_zone: TimeZone = Field(
        description="IANA zone of its wall clock.", examples=["Europe/Stockholm"]
    )


class RoomOpened(RoomDescription):
    """A room can be booked from a day on."""

    type: ClassVar[str] = _ROOM + "opened.v1"


class RoomChanged(RoomDescription):
    """A room has another name, capacity or zone; tells all of them as they are."""

    type: ClassVar[str] = _ROOM + "changed.v1"


class RoomRetired(RoomFact):
    """A room is gone for good: `on` is its first day without it."""

    type: ClassVar[str] = _ROOM + "retired.v1"


class BookedFor(Part):
    """What a booking serves, where another service asked for it."""

    kind: Literal["event"] = Field(description="What it serves.", examples=["event"])
    id: Id = Field(description="Its id there.", examples=[_AN_ID])


class Interval(Part):
    """A stretch of time, half-open."""

    starts_at: Instant = Field(description="Begin.", examples=["2023-03-07T17:00:00Z"])
    ends_at: Instant = Field(
        description="End; this instant is outside.", examples=["2023-03-07T19:00:00Z"]
    )


class BookingWish(Message):
    """Who wants which room when."""

    topic: ClassVar[str] = "andan.booking.booking.v1"
    keyed_by: ClassVar[str] = "booking_id"
    about: ClassVar[str] = "booking_id"

    booking_id: Id = Field(description="The booking.", examples=[_AN_ID])
    room_id: Id = Field(description="The room.", examples=[_AN_ID])
    organisation_id: Id | None = Field(
        default=None,
        description="Who books; null where the house itself does.",
        examples=[_AN_ID],
    )
    starts_at: Instant = Field(description="Begin.", examples=["2023-03-07T17:00:00Z"])
    ends_at: Instant = Field(
        description="End; this instant is outside.", examples=["2023-03-07T19:00:00Z"]
    )
    expected_people: People = Field(description="People expected.", examples=[25])
    for_: BookedFor | None = Field(
        default=None,
        validation_alias="for",
        serialization_alias="for",
        description="What it serves, where another service asked for it.",
        examples=[{"kind": "event", "id": _AN_ID}],
    )
    contact_given: bool = Field(
        default=False,
        description="A `BookingContactGiven` says, sealed, who is told; without one nobody is.",
        examples=[True],
    )


class BookingFact(BookingWish):
    """A booking with its room and time, as they are after the fact."""

    venue_id: Id = Field(description="The room's venue.", examples=[_AN_ID])
    time_zone: TimeZone = Field(
        description="IANA zone of the room's wall clock.", examples=["Europe/Stockholm"]
    )
    local_date: Day = Field(
        description="Date of the begin on the room's wall clock; its year is the booking's.",
        examples=["2023-03-07"],
    )


class BookingRequested(BookingFact):
    """A booking waits for approval; it holds its time meanwhile."""

    type: ClassVar[str] = _BOOKING + "requested.v1"


class BookingConfirmed(BookingFact):
    """The room is theirs for that time."""

    type: ClassVar[str] = _BOOKING + "confirmed.v1"


class BookingRejected(BookingWish):
    """A wish for a room was refused and holds nothing."""

    type: ClassVar[str] = _BOOKING + "rejected.v1"

    reason: Refusal = Field(description="Why.", examples=["room-taken"])
    venue_id: Id | None = Field(
        default=None,
        description="The room's venue; null where no such room is known.",
        examples=[_AN_ID],
    )
    time_zone: TimeZone | None = Field(
        default=None,
        description="IANA zone of the room's wall clock; null where no such room is known.",
        examples=["Europe/Stockholm"],
    )
    local_date: Day | None = Field(
        default=None,
        description="Date of the begin on that wall clock.",
        examples=["2023-03-07"],
    )
    conflicts: list[Interval] = Field(
        default=[],
        max_length=100,
        description="Times in its way, without names.",
        examples=[[{"starts_at": "2023-03-07T16:00:00Z", "ends_at": "2023-03-07T18:00:00Z"}]],
    )


class BookingMoved(BookingFact):
    """A booking has another room or time, and keeps its status; what it left is free."""

    type: ClassVar[str] = _BOOKING + "moved.v1"

    previous_room_id: Id = Field(description="The room before.", examples=[_AN_ID])
    previous_starts_at: Instant = Field(
        description="Begin before.", examples=["2023-03-06T17:00:00Z"]
    )
    previous_ends_at: Instant = Field(description="End before.", examples=["2023-03-06T19:00:00Z"])


class BookingCancelled(BookingFact):
    """A booking was called off; its time is free."""

    type: ClassVar[str] = _BOOKING + "cancelled.v1"

    reason: Literal["withdrawn", "by-staff", "event-cancelled", "released", "other"] = Field(
        default="withdrawn", description="Why.", examples=["withdrawn"]
    )


class BookingCheckedIn(BookingFact):
    """The gathering took place; said again with another number, the last one counts."""

    type: ClassVar[str] = _BOOKING + "checked-in.v1"

    people: Count = Field(description="People who came.", examples=[23])


class BookingNoShow(BookingFact):
    """Nobody came."""

    type: ClassVar[str] = _BOOKING + "no-show.v1"


class VisitFact(Message):
    """Visits to a venue on one day, by the counter at its door."""

    topic: ClassVar[str] = "andan.booking.visit.v1"
    keyed_by: ClassVar[str] = "venue_id"
    about: ClassVar[str] = "venue_id"

    venue_id: Id = Field(description="The venue.", examples=[_AN_ID])
    day: Day = Field(description="The day on the venue's wall clock.", examples=["2023-03-07"])
    visits: Count = Field(description="Visits on that day.", examples=[79])


class VisitsCounted(VisitFact):
    """A day's visits are known for the first time."""

    type: ClassVar[str] = _VISIT + "counted.v1"


class VisitsCorrected(VisitFact):
    """A day's visits were other than said before; this number replaces it."""

    type: ClassVar[str] = _VISIT + "corrected.v1"


class BookingContactGiven(Message):
    """Who is told about a booking: a `BookingContact`, sealed for notifications.

    Kept a week.
    """

    topic: ClassVar[str] = "andan.booking.contact.v1"
    type: ClassVar[str] = "se.andan.booking.contact.given.v1"
    keyed_by: ClassVar[str] = "booking_id"
    about: ClassVar[str] = "booking_id"

    booking_id: Id = Field(description="The booking.", examples=[_AN_ID])
    sealed: str = Field(
        max_length=20_000,
        description="Compact JWE that notifications alone can open.",
        examples=["eyJhbGciOiJFQ0RILUVTIn0..iv.text.tag"],
    )


class BookingContact(Part):
    """What is inside a `BookingContactGiven`; never travels readable."""

    name: Line = Field(description="How the person wants to be addressed.", examples=["Alex Ek"])
    email: Line = Field(description="The address.", examples=["alex@example.org"])
    language: Language = Field(description="Language of the letters.", examples=["sv"])
    purpose: Line | None = Field(
        default=None, description="What the booking is for.", examples=["Styrelsemöte"]
    )


class BookingErasure(Message):
    """An erasure of one booking's contact; no two of them tell that they are of one person."""

    topic: ClassVar[str] = "andan.booking.erasure.v1"
    keyed_by: ClassVar[str] = "erasure_id"
    about: ClassVar[str] = "erasure_id"
    unlinkable: ClassVar[bool] = True

    erasure_id: Id = Field(
        description="Keyed hash (HMAC-SHA256, hex) of the booking's id; the key stays inside.",
        examples=["5f1d7a84db00d2fce00b31a7fc73224f5f1d7a84db00d2fce00b31a7fc73224f"],
    )


class BookingContactErasureRequested(BookingErasure):
    """Whoever keeps anything of this booking's contact removes it, now and for ever."""

    type: ClassVar[str] = "se.andan.booking.erasure.requested.v1"


class BookingContactErased(BookingErasure):
    """Booking keeps nothing of that contact any more."""

    type: ClassVar[str] = "se.andan.booking.erasure.erased.v1"

    removed: dict[Slug, Count] = Field(
        max_length=20,
        description="How many rows were removed, by what they were.",
        examples=[{"contacts": 1, "answers": 1}],
    )
