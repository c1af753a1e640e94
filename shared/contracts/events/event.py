"""Facts about an event: what it is, when and where, who carries it, and the room it asks for."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.fields import (
    Day,
    Id,
    Instant,
    Language,
    Line,
    People,
    TimeZone,
    Titles,
    Year,
)
from shared.contracts.message import Message, Part
from shared.contracts.words import Admission, EventFormat, PartnerRole, SessionMode

_TYPE = "se.andan.events.event."
_AN_ID = "0199a1c2-7d3e-7c11-9a55-3f0c1b2d4e5f"


class SessionPart(Part):
    """A session of an event."""

    starts_at: Instant = Field(description="Begin.", examples=["2023-04-19T11:00:00Z"])
    ends_at: Instant = Field(
        description="End; this instant is outside.", examples=["2023-04-19T12:00:00Z"]
    )
    mode: SessionMode = Field(description="Where its people are.", examples=["hybrid"])


class Partner(Part):
    """An organisation that has a part in an event."""

    organisation_id: Id = Field(description="The organisation.", examples=[_AN_ID])
    role: PartnerRole = Field(description="Its part.", examples=["ally"])


class EventFact(Message):
    """A fact about an event."""

    topic: ClassVar[str] = "andan.events.event.v1"
    keyed_by: ClassVar[str] = "event_id"
    about: ClassVar[str] = "event_id"

    event_id: Id = Field(description="The event.", examples=[_AN_ID])


class EventDescription(EventFact):
    """An event with all that others need to know, as it is after the fact."""

    format: EventFormat = Field(description="What kind of event.", examples=["dialogforum"])
    titles: Titles = Field(description="Title by language.", examples=[{"sv": "Jämlik hälsa"}])
    theme_id: Id | None = Field(default=None, description="Theme it serves.", examples=[_AN_ID])
    capacity: People = Field(description="Places.", examples=[80])
    starts_at: Instant = Field(description="Begin.", examples=["2023-04-19T11:00:00Z"])
    ends_at: Instant = Field(
        description="End; this instant is outside.", examples=["2023-04-19T12:00:00Z"]
    )
    time_zone: TimeZone = Field(
        description="IANA zone of its wall clock.", examples=["Europe/Stockholm"]
    )
    local_date: Day = Field(
        description="Date of the begin on that wall clock.", examples=["2023-04-19"]
    )
    year: Year = Field(
        description="Year it counts in: that of its local date; a course's selection overrules it.",
        examples=[2023],
    )
    place: Line | None = Field(
        default=None,
        description="Where to go, unless told to those confirmed only.",
        examples=["Föreningscentret Nobel 21, Salen"],
    )
    online: bool = Field(default=False, description="Can be followed online.", examples=[True])
    room_id: Id | None = Field(default=None, description="Room in booking.", examples=[_AN_ID])
    languages: list[Language] = Field(
        default=[], max_length=30, description="Languages spoken.", examples=[["sv"]]
    )
    sessions: list[SessionPart] = Field(
        default=[],
        max_length=200,
        description="Its sessions, by begin.",
        examples=[
            [
                {
                    "starts_at": "2023-04-19T11:00:00Z",
                    "ends_at": "2023-04-19T12:00:00Z",
                    "mode": "hybrid",
                }
            ]
        ],
    )
    partners: list[Partner] = Field(
        default=[],
        max_length=500,
        description="Organisations that have a part, all of them.",
        examples=[[{"organisation_id": _AN_ID, "role": "ally"}]],
    )
    admission: Admission = Field(
        default=Admission.FIRST_COME,
        description="How places are given out.",
        examples=["first-come"],
    )
    waiting_list: bool = Field(
        default=True, description="Whether a full event has a line.", examples=[True]
    )
    registration_opens_at: Instant | None = Field(
        default=None,
        description="Registration from here on; null = since publication.",
        examples=["2023-03-01T07:00:00Z"],
    )
    registration_closes_at: Instant | None = Field(
        default=None,
        description="No registration from here on; null = the begin.",
        examples=["2023-04-18T22:00:00Z"],
    )


class EventPublished(EventDescription):
    """An event is open to the public."""

    type: ClassVar[str] = _TYPE + "published.v1"


class EventChanged(EventDescription):
    """A published event changed, but not its time, place or room; tells everything as it is."""

    type: ClassVar[str] = _TYPE + "changed.v1"


class EventRescheduled(EventDescription):
    """A published event has another time, place or room; tells everything as it is."""

    type: ClassVar[str] = _TYPE + "rescheduled.v1"

    previous_starts_at: Instant = Field(
        description="Begin before.", examples=["2023-04-12T11:00:00Z"]
    )
    previous_ends_at: Instant = Field(description="End before.", examples=["2023-04-12T12:00:00Z"])


class EventCancelled(EventFact):
    """An event does not take place; its room is free again."""

    type: ClassVar[str] = _TYPE + "cancelled.v1"

    year: Year = Field(description="Year it would have counted in.", examples=[2023])
    reason: Literal["too-few-people", "no-room", "speaker-missing", "weather", "other"] = Field(
        default="other", description="Why, as a code.", examples=["too-few-people"]
    )


class PartnerJoined(EventFact):
    """An organisation has a part in a published event."""

    type: ClassVar[str] = _TYPE + "partner-joined.v1"

    organisation_id: Id = Field(description="The organisation.", examples=[_AN_ID])
    role: PartnerRole = Field(description="Its part.", examples=["ally"])


class MaterialAdded(EventFact):
    """Something to keep came out of an event."""

    type: ClassVar[str] = _TYPE + "material-added.v1"

    material_id: Id = Field(description="The material.", examples=[_AN_ID])
    kind: Literal["recording", "slides", "minutes", "report", "other"] = Field(
        description="What it is.", examples=["recording"]
    )
    language: Language | None = Field(default=None, description="Its language.", examples=["sv"])


class RoomRequested(EventFact):
    """An event needs a room: booking answers with a booking for it, confirmed or rejected.

    Asked again with another room or time, the old booking stays until `RoomReleased`.
    """

    type: ClassVar[str] = _TYPE + "room-requested.v1"

    room_id: Id = Field(description="The room wanted.", examples=[_AN_ID])
    organisation_id: Id | None = Field(
        default=None, description="Organiser; null = the house.", examples=[_AN_ID]
    )
    starts_at: Instant = Field(description="Begin.", examples=["2023-04-19T11:00:00Z"])
    ends_at: Instant = Field(
        description="End; this instant is outside.", examples=["2023-04-19T12:00:00Z"]
    )
    people: People = Field(description="People expected.", examples=[80])


class RoomReleased(EventFact):
    """An event no longer needs a booking: booking cancels it."""

    type: ClassVar[str] = _TYPE + "room-released.v1"

    booking_id: Id = Field(description="The booking.", examples=[_AN_ID])
