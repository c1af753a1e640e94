"""Facts about registrations, all in the order of their event; none tells who."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contracts.fields import Count, Id, Instant, Language, People, Year
from shared.contracts.message import Message
from shared.contracts.words import RegistrationStatus, Sector

_TYPE = "se.andan.events.registration."
_AN_ID = "0199a1c2-7d3e-7c11-9a55-3f0c1b2d4e5f"

Position = Annotated[int, Field(ge=1, le=1_000_000)]


class LineFact(Message):
    """A fact in the order of an event."""

    topic: ClassVar[str] = "andan.events.registration.v1"
    keyed_by: ClassVar[str] = "event_id"
    about: ClassVar[str] = "event_id"

    event_id: Id = Field(description="The event.", examples=[_AN_ID])
    year: Year = Field(description="Year the event counts in.", examples=[2023])


class RegistrationFact(LineFact):
    """A step of one registration: of a person, or of a group counted by heads."""

    about: ClassVar[str] = "registration_id"

    registration_id: Id = Field(
        description="The registration; new for every event, whoever it is.",
        examples=[_AN_ID],
    )
    people: People = Field(
        default=1,
        description="Places it takes: 1, or the heads of a group.",
        examples=[1],
    )
    group: bool = Field(
        default=False,
        description="A group counted by heads: its people are in no `PeopleCounted`.",
        examples=[False],
    )
    group_organisation_id: Id | None = Field(
        default=None,
        description="Organisation the group comes from.",
        examples=[_AN_ID],
    )
    sector: Sector | None = Field(
        default=None, description="Sector they take part for.", examples=["association"]
    )
    language: Language | None = Field(
        default=None,
        description="Language they want to be written to in.",
        examples=["sv"],
    )
    contact_given: bool = Field(
        default=False,
        description="An `EventContactGiven` of the same instant says, sealed, who is told.",
        examples=[True],
    )


class RegistrationPending(RegistrationFact):
    """Somebody asked for a place and is to click the link in the mail; holds nothing."""

    type: ClassVar[str] = _TYPE + "pending.v1"

    confirm_by: Instant = Field(
        description="The link is good until then.", examples=["2023-04-02T09:30:00Z"]
    )


class RegistrationApplied(RegistrationFact):
    """An application was handed in; places are given by selection."""

    type: ClassVar[str] = _TYPE + "applied.v1"


class RegistrationConfirmed(RegistrationFact):
    """They have a place."""

    type: ClassVar[str] = _TYPE + "confirmed.v1"

    promoted: bool = Field(
        default=False,
        description="They stood in line (or held an offer) and a place fell free.",
        examples=[False],
    )
    selected: bool = Field(
        default=False, description="They applied and were selected.", examples=[False]
    )


class RegistrationWaitlisted(RegistrationFact):
    """They stand in line."""

    type: ClassVar[str] = _TYPE + "waitlisted.v1"

    position: Position = Field(description="Place in line at that moment, 1 = next.", examples=[3])


class RegistrationOffered(RegistrationFact):
    """A place fell free and is held for them until they answer."""

    type: ClassVar[str] = _TYPE + "offered.v1"

    answer_by: Instant = Field(
        description="The offer ends then.", examples=["2023-04-10T09:30:00Z"]
    )


class RegistrationDeclined(RegistrationFact):
    """An offer was turned down or ran out, or an application was not selected."""

    type: ClassVar[str] = _TYPE + "declined.v1"

    reason: Literal["turned-down", "expired", "not-selected"] = Field(
        default="turned-down", description="Why, as a code.", examples=["not-selected"]
    )


class RegistrationCancelled(RegistrationFact):
    """It holds nothing any more."""

    type: ClassVar[str] = _TYPE + "cancelled.v1"

    was: RegistrationStatus = Field(description="Status before.", examples=["confirmed"])
    reason: Literal["by-participant", "by-staff", "event-cancelled", "not-confirmed", "erased"] = (
        Field(
            default="by-participant",
            description="Why; `not-confirmed`: the link was not clicked in time.",
            examples=["by-participant"],
        )
    )


class RegistrationAttended(RegistrationFact):
    """They came; the last of attended and no-show holds."""

    type: ClassVar[str] = _TYPE + "attended.v1"


class RegistrationNoShow(RegistrationFact):
    """They did not come; the last of attended and no-show holds."""

    type: ClassVar[str] = _TYPE + "no-show.v1"


class SelectionMade(RegistrationFact):
    """It was decided on an application; `year` is that of the decision, and the course's.

    The last one of a registration holds.
    """

    type: ClassVar[str] = _TYPE + "selection-made.v1"

    selected: bool = Field(description="Whether a place was given.", examples=[True])


class HeadsCounted(LineFact):
    """People who came and were counted without a name, besides those marked as attended.

    Counts of one event add up; said again for the same `count_id`, the last one replaces.
    """

    type: ClassVar[str] = _TYPE + "heads-counted.v1"

    count_id: Id = Field(description="The count.", examples=[_AN_ID])
    people: Count = Field(description="Heads.", examples=[12])
    sector: Sector | None = Field(
        default=None, description="Their sector, if said.", examples=["association"]
    )
    group_organisation_id: Id | None = Field(
        default=None, description="Organisation they came from.", examples=[_AN_ID]
    )


class AttendanceClosed(LineFact):
    """The last word about an event: who came is known; only corrections follow."""

    type: ClassVar[str] = _TYPE + "attendance-closed.v1"

    attended: Count = Field(
        description="People who came, named and counted; cross-checks the sum.",
        examples=[80],
    )
