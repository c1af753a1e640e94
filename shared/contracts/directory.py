"""What directory says: which organisations there are, and which are resident when."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.fields import Day, Id, Line
from shared.contracts.message import Message
from shared.contracts.words import OrganisationKind, Sector

_TYPE = "se.andan.directory.organisation."
_AN_ID = "0199a1c2-7d3e-7c11-9a55-3f0c1b2d4e5f"


class OrganisationFact(Message):
    """A fact about an organisation."""

    topic: ClassVar[str] = "andan.directory.organisation.v1"
    keyed_by: ClassVar[str] = "organisation_id"
    about: ClassVar[str] = "organisation_id"

    organisation_id: Id = Field(description="The organisation.", examples=[_AN_ID])


class OrganisationDescription(OrganisationFact):
    """An organisation as it now is."""

    name: Line | None = Field(
        default=None,
        description="Its name; null where it is unlisted, whose name never travels.",
        examples=["En frisk generation"],
    )
    kind: OrganisationKind = Field(
        description="Kind of the organisation.", examples=["association"]
    )
    sector: Sector | None = Field(
        default=None,
        description="The sector it belongs to, if said.",
        examples=["association"],
    )
    listed: bool = Field(
        description="Whether it is shown to the public, name and all.", examples=[True]
    )


class OrganisationRegistered(OrganisationDescription):
    """An organisation is known to the house from now on."""

    type: ClassVar[str] = _TYPE + "registered.v1"


class OrganisationChanged(OrganisationDescription):
    """Name, kind, sector or listing of an organisation changed; tells all of them as they are."""

    type: ClassVar[str] = _TYPE + "changed.v1"


class ResidencyBegan(OrganisationFact):
    """An organisation has its home in the house from a day on."""

    type: ClassVar[str] = _TYPE + "residency-began.v1"

    began_on: Day = Field(
        description="First day of the residency, local date.", examples=["2023-01-01"]
    )


class ResidencyEnded(OrganisationFact):
    """An organisation has left the house."""

    type: ClassVar[str] = _TYPE + "residency-ended.v1"

    ended_on: Day = Field(
        description="Last day of the residency, local date, inclusive.",
        examples=["2023-08-31"],
    )


class OrganisationDissolved(OrganisationFact):
    """An organisation no longer exists."""

    type: ClassVar[str] = _TYPE + "dissolved.v1"

    dissolved_on: Day = Field(description="The day, local date.", examples=["2023-12-31"])
