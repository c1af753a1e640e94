"""Registrations and attendance as they are sent and shown."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.events.schemas.fields import Language, Ref
from shared.contracts.words import RegistrationStatus, Sector
from shared.http.body import Body, Count, Email, Line, Name, People


class ContactBody(Body):
    """Where to write to."""

    email: Email


class GroupBody(Body):
    """A group that is counted by heads."""

    people: People
    organisation_id: Ref | None = None


class NeedBody(Body):
    """Something that somebody needs to take part."""

    kind: Literal["interpreter", "sign-language", "step-free", "hearing-loop", "food", "other"]
    detail: Annotated[str, Line(300)] | None = None


class NewRegistration(Body):
    """Somebody takes part; `contact` and `sector` may be missing with a key."""

    name: Name
    contact: ContactBody | None = None
    sector: Sector | None = None
    language: Language = "sv"
    needs: Annotated[list[NeedBody], Field(max_length=20)] = []
    group: GroupBody | None = None


class RegistrationAnswer(BaseModel):
    """What became of it: `confirm_by` for the public, the rest for who registers with a key."""

    id: str
    status: RegistrationStatus
    position: int | None = None
    confirm_by: datetime | None = None
    manage_url: str | None = None


class Settled(BaseModel):
    """What a registration now is."""

    id: str
    status: RegistrationStatus
    position: int | None = None


class NeedShown(BaseModel):
    """Something that somebody needs to take part."""

    kind: str
    detail: str | None


class RegistrationShown(BaseModel):
    """A registration for its holder and for staff: no address."""

    id: str
    event_id: str
    status: RegistrationStatus
    position: int | None
    name: str | None
    language: str | None
    sector: Sector | None
    people: int
    group: bool
    organisation_id: str | None
    registered_at: datetime
    confirm_by: datetime | None
    attended_at: datetime | None = None
    needs: list[NeedShown] = []

    @classmethod
    def of(cls, seen: Any) -> "RegistrationShown":
        """Return a registration as it is shown."""
        values = {name: getattr(seen, name) for name in cls.model_fields if name != "needs"}
        needs = [NeedShown(kind=kind, detail=detail) for kind, detail in seen.needs]
        return cls(**values, needs=needs)


class LinksWanted(Body):
    """The address whose links were lost."""

    email: Email


class Selection(Body):
    """The decision on an application."""

    selected: bool


class Attendance(Body):
    """Whether somebody came."""

    attended: bool


class Heads(Body):
    """People counted without a name; with `count_id`, instead of what that count said."""

    people: Count
    sector: Sector | None = None
    count_id: Ref | None = None


class WalkIns(Body):
    """People who came without a registration."""

    people: People
    sector: Sector | None = None


class HeadsShown(BaseModel):
    """A count of heads; its id corrects it."""

    count_id: str
    people: int
    sector: Sector | None


class ClosedShown(BaseModel):
    """How many came."""

    event_id: str
    attended: int


class HeadsCounted(HeadsShown):
    """A count of heads, and when it was made."""

    counted_at: datetime


class AttendanceShown(BaseModel):
    """Who is in: `attended` in people, named and counted; `registered` by status."""

    event_id: str
    attended: int
    registered: dict[RegistrationStatus, int]
    heads: list[HeadsCounted]
    closed_at: datetime | None

    @classmethod
    def of(cls, seen: Any) -> "AttendanceShown":
        """Return the state of a door as it is shown."""
        heads = [HeadsCounted(**vars(each)) for each in seen.heads]
        return cls(
            event_id=seen.event_id,
            attended=seen.attended,
            registered=seen.registered,
            heads=heads,
            closed_at=seen.closed_at,
        )
