"""Themes and events as they are sent and shown."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.events.queries.programme import EventSeen
from services.events.rules.places import availability
from services.events.rules.programme import is_online, known_sectors
from services.events.schemas.fields import Language, Languages, Ref, Slug, Titles, Url
from shared.contracts.words import Admission, EventFormat, PartnerRole, Sector, SessionMode
from shared.http.body import Body, Count, Instant, Line, People, Text, Year, Zone

ABSENT: Any = None
"""Stands for a field that was not sent; null itself is refused where it makes no sense."""


class NewTheme(Body):
    """A theme to be decided."""

    year: Year
    key: Slug
    titles: Titles


class ThemeShown(BaseModel):
    """A theme of a year."""

    id: str
    year: int
    key: str
    titles: dict[str, str]

    @classmethod
    def of(cls, theme: Any) -> "ThemeShown":
        """Return a theme as it is shown."""
        return cls(id=theme.id, year=theme.year, key=theme.key, titles=theme.titles)


class SessionBody(Body):
    """A part of an event."""

    starts_at: Instant
    ends_at: Instant
    mode: SessionMode = SessionMode.ON_SITE


class PartnerBody(Body):
    """An organisation that carries the event."""

    organisation_id: Ref
    role: PartnerRole


_Texts = Annotated[dict[Language, Annotated[str, Text(5000)]], Field(max_length=30)]
_Sessions = Annotated[list[SessionBody], Field(max_length=200)]
_Partners = Annotated[list[PartnerBody], Field(max_length=500)]
_Quotas = Annotated[dict[Sector, Count], Field(max_length=len(Sector))]
_Place = Annotated[str, Line(300)]


class NewEvent(Body):
    """An event to be drafted."""

    format: EventFormat
    titles: Titles
    summaries: _Texts = {}
    theme_id: Ref | None = None
    capacity: People
    starts_at: Instant
    ends_at: Instant
    time_zone: Zone
    place: _Place | None = None
    room_id: Ref | None = None
    online_url: Url | None = None
    languages: Languages = ["sv"]
    interpreted_to: Languages = []
    accessibility: Annotated[str, Text(2000)] | None = None
    sessions: _Sessions = []
    partners: _Partners = []
    sector_quotas: _Quotas = {}
    admission: Admission = Admission.FIRST_COME
    waiting_list: bool = True
    registration_opens_at: Instant | None = None
    registration_closes_at: Instant | None = None


class ChangedEvent(Body):
    """What is to change of an event; what is absent stays."""

    titles: Titles = ABSENT
    summaries: _Texts = ABSENT
    theme_id: Ref | None = None
    capacity: People = ABSENT
    starts_at: Instant = ABSENT
    ends_at: Instant = ABSENT
    time_zone: Zone = ABSENT
    place: _Place | None = None
    room_id: Ref | None = None
    online_url: Url | None = None
    languages: Languages = ABSENT
    interpreted_to: Languages = ABSENT
    accessibility: Annotated[str, Text(2000)] | None = None
    sessions: _Sessions = ABSENT
    partners: _Partners = ABSENT
    sector_quotas: _Quotas = ABSENT
    waiting_list: bool = ABSENT
    registration_opens_at: Instant | None = None
    registration_closes_at: Instant | None = None


def values_of(body: NewEvent | ChangedEvent) -> dict[str, Any]:
    """Return the fields of a body as they are kept; of a change, those that were sent."""
    values = body.model_dump(exclude_unset=isinstance(body, ChangedEvent))
    if "sessions" in values:
        parts = sorted(body.sessions, key=lambda each: (each.starts_at, each.ends_at))
        values["sessions"] = [
            {
                "starts_at": each.starts_at.isoformat(),
                "ends_at": each.ends_at.isoformat(),
                "mode": each.mode.value,
            }
            for each in parts
        ]
    if "partners" in values:
        values["partners"] = [each.model_dump(mode="json") for each in body.partners]
    if "sector_quotas" in values:
        values["sector_quotas"] = known_sectors(body.sector_quotas)
    for name in ("format", "admission"):
        if name in values:
            values[name] = values[name].value
    return values


class Cancellation(Body):
    """Why an event does not take place."""

    reason: Annotated[str, Line(300)] = "other"


class SessionShown(BaseModel):
    """A part of an event."""

    starts_at: datetime
    ends_at: datetime
    mode: SessionMode


class PartnerShown(BaseModel):
    """An organisation that carries the event; one that is unlisted is shown to staff, unnamed."""

    organisation_id: str
    role: PartnerRole
    name: str | None = None


class PlacesShown(BaseModel):
    """The exact numbers, for who may read registrations."""

    capacity: int
    taken: int
    free: int
    waiting: int


class EventShown(BaseModel):
    """An event as the public sees it; `places` and what follows only for who may see it."""

    id: str
    status: Literal["draft", "awaiting-room", "published", "cancelled"]
    format: EventFormat
    titles: dict[str, str]
    summaries: dict[str, str]
    theme_id: str | None
    capacity: int
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    local_date: date
    year: int
    place: str | None
    room_id: str | None
    online: bool
    languages: list[str]
    interpreted_to: list[str]
    accessibility: str | None
    sessions: list[SessionShown]
    partners: list[PartnerShown]
    admission: Admission
    waiting_list: bool
    registration_opens_at: datetime | None
    registration_closes_at: datetime | None
    attendance_closed_at: datetime | None
    availability: Literal["many", "few", "none"]
    places: PlacesShown | None = None
    online_url: str | None = None
    sector_quotas: dict[str, int] | None = None
    room_refusal: str | None = None
    room_asked_for: dict[str, Any] | None = None


_NOT_PLAIN = {"online", "partners", "availability"}
_FOR_STAFF = {"places", "online_url", "sector_quotas", "room_refusal", "room_asked_for"}
_PLAIN = [name for name in EventShown.model_fields if name not in _NOT_PLAIN | _FOR_STAFF]


def event_shown(seen: EventSeen, *, exact: bool, admin: bool) -> dict[str, Any]:
    """Return what a caller may see: exact numbers by `exact`, what staff keeps by `admin`."""
    event, places = seen.event, seen.places
    shown: dict[str, Any] = {name: getattr(event, name) for name in _PLAIN}
    shown["online"] = is_online(event)
    shown["availability"] = availability(places)
    shown["partners"] = [
        {**partner, "name": seen.names.get(partner["organisation_id"])}
        for partner in event.partners
        if admin or partner["organisation_id"] in seen.names
    ]
    if exact:
        shown["places"] = {
            "capacity": places.capacity,
            "taken": places.taken,
            "free": max(0, places.capacity - places.taken),
            "waiting": places.waiting,
        }
    if admin:
        shown["online_url"] = event.online_url
        shown["sector_quotas"] = event.sector_quotas
        shown["room_refusal"] = event.room_refusal
        shown["room_asked_for"] = event.room_wanted
    return shown


REASONS = ("too-few-people", "no-room", "speaker-missing", "weather", "other")


def reason_code(said: str) -> str:
    """Return the code of a reason; free text is nobody's but the caller's: `other`."""
    return said if said in REASONS else "other"
