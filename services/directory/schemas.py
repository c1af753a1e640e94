"""Bodies of directory's requests and answers."""

from datetime import date

from pydantic import BaseModel, ConfigDict, model_validator

from shared.contracts.words import OrganisationKind, Sector
from shared.http.body import Body, Day, Name


class OrganisationIn(Body):
    """An organisation to register."""

    name: Name
    kind: OrganisationKind
    sector: Sector | None = None
    resident: bool | Day = False
    """True: has its home in the house from today; a day: from that day."""
    unlisted: bool = False
    """True: hidden from the public, and its name never travels."""


class OrganisationPatch(Body):
    """What to change of an organisation; what is left out stays."""

    name: Name | None = None
    kind: OrganisationKind | None = None
    sector: Sector | None = None
    resident: bool | Day | None = None
    """True: resident from today; a day: from that day; false: today is the last day."""
    unlisted: bool | None = None

    @model_validator(mode="after")
    def _only_the_sector_can_be_nothing(self) -> "OrganisationPatch":
        given = self.model_fields_set - {"sector"}
        if any(getattr(self, name) is None for name in given):
            raise ValueError("only the sector can be null")
        if not self.model_fields_set:
            raise ValueError("nothing to change")
        return self


class OrganisationOut(BaseModel):
    """An organisation, with its latest residency."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    kind: OrganisationKind
    sector: Sector | None
    unlisted: bool
    dissolved_on: date | None
    resident: bool
    resident_from: date | None
    resident_until: date | None
