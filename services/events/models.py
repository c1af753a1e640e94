"""The tables of events: the programme, places, registrations, and apart from them the persons."""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Column, Index, MetaData, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from shared.store import table_metadata

LIVE = text("person IS NOT NULL AND status NOT IN ('cancelled', 'declined')")


metadata = table_metadata()


class Table(SQLModel):
    """The tables of events."""

    metadata: ClassVar[MetaData] = metadata


def _json() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


class Theme(Table, table=True):
    """A theme of a year."""

    __table_args__ = (UniqueConstraint("year", "key", name="uq_theme_year_key"),)

    id: str = Field(primary_key=True)
    year: int
    key: str
    titles: dict[str, str] = _json()
    revision: int = 1


class Event(Table, table=True):
    """What people attend."""

    __table_args__ = (
        Index("ix_event_starts_at_id", "starts_at", "id"),
        Index("ix_event_changed_at_id", "changed_at", "id"),
    )

    id: str = Field(primary_key=True)
    status: str
    format: str
    titles: dict[str, str] = _json()
    summaries: dict[str, str] = _json()
    theme_id: str | None
    capacity: int
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    local_date: date
    year: int
    place: str | None
    room_id: str | None
    booking_id: str | None = None
    room_wanted: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    """The room and time that booking was asked for and has not answered."""
    room_refusal: str | None = None
    online_url: str | None
    languages: list[str] = _json()
    interpreted_to: list[str] = _json()
    accessibility: str | None
    sessions: list[dict[str, Any]] = _json()
    partners: list[dict[str, Any]] = _json()
    sector_quotas: dict[str, int] = _json()
    admission: str
    waiting_list: bool
    registration_opens_at: datetime | None
    registration_closes_at: datetime | None
    was_published: bool = False
    attendance_closed_at: datetime | None = None
    changed_at: datetime
    revision: int = 1


class Places(Table, table=True):
    """All that registering needs of an event, in the one row that is locked for it.

    `taken` are the people confirmed or offered a place; `ceiling` is the capacity, or what was
    taken already when the capacity was lowered.
    """

    __table_args__ = (
        CheckConstraint("taken >= 0 AND taken <= ceiling", name="taken"),
        CheckConstraint("waiting >= 0", name="waiting"),
    )

    event_id: str = Field(primary_key=True)
    capacity: int
    ceiling: int
    taken: int = 0
    waiting: int = 0
    last_seq: int = 0
    is_open: bool = False
    admission: str
    waiting_list: bool
    opens_at: datetime | None
    closes_at: datetime
    starts_at: datetime
    year: int
    online_url: str | None


class Registration(Table, table=True):
    """Somebody's place, or place in line; who it is stands in `contact`."""

    __table_args__ = (
        Index("ix_registration_line", "event_id", "status", "seq"),
        Index("ix_registration_event_id_id", "event_id", "id"),
        Index(
            "uq_registration_person",
            "event_id",
            "person",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
    )

    id: str = Field(primary_key=True)
    event_id: str
    status: str
    seq: int
    """Its turn within the event: given when it takes a place or a place in line, 0 before."""
    people: int
    is_group: bool
    group_organisation_id: str | None
    sector: str | None
    person: str | None
    """The person under the year's key; null for groups and for people without an address."""
    confirm_by: datetime | None
    told_again_at: datetime | None
    created_at: datetime
    attended_at: datetime | None = None
    """Since when somebody is in, as it was marked."""
    revision: int


class Contact(Table, table=True):
    """Who a registration is: the only table with names and addresses."""

    registration_id: str = Field(primary_key=True)
    name: str
    email: str | None
    email_key: str | None = Field(index=True)
    """The address in the form in which two spellings of one compare equal."""
    language: str


class Need(Table, table=True):
    """What somebody needs to take part: kept apart from who it is."""

    id: str = Field(primary_key=True)
    registration_id: str = Field(index=True)
    kind: str
    detail: str | None


class HeadCount(Table, table=True):
    """People who came and were counted without a name."""

    id: str = Field(primary_key=True)
    event_id: str = Field(index=True)
    people: int
    sector: str | None
    counted_at: datetime


class Organisation(Table, table=True):
    """What events needs to know of an organisation: a slim copy of the directory's."""

    id: str = Field(primary_key=True)
    name: str | None
    sector: str | None
    is_listed: bool


places = metadata.tables["places"]
registration = metadata.tables["registration"]
contact = metadata.tables["contact"]
need = metadata.tables["need"]
head_count = metadata.tables["headcount"]
