"""Tables: contacts, deliveries, what letters must know of events and rooms, who wants none."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Column, Index, MetaData, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from shared.store import table_metadata


class Table(SQLModel):
    """The tables of notifications."""

    metadata: ClassVar[MetaData] = table_metadata()


class KnownEvent(Table, table=True):
    """An event as its last fact tells it; `calendar_sequence` counts its moves."""

    __tablename__ = "known_event"

    event_id: str = Field(primary_key=True)
    revision: int = Field(sa_type=BigInteger)
    titles: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    place: str | None = None
    online: bool
    room_id: str | None = None
    calendar_sequence: int


class KnownRoom(Table, table=True):
    """A room as its last fact tells it."""

    __tablename__ = "known_room"

    room_id: str = Field(primary_key=True)
    revision: int = Field(sa_type=BigInteger)
    name: str
    venue_name: str


class Contact(Table, table=True):
    """Who is told about a registration or booking (its id is the contact's).

    Personal. Deleted a week after its last need; without an address it only remembers that
    there was one, until no repeated message can bring it back. `invited` is the SEQUENCE of the
    calendar entry that the person was sent, `given_at` the instant of the last contact given.
    """

    id: str = Field(primary_key=True)
    event_id: str | None = Field(default=None, index=True)
    name: str | None = None
    email: str | None = None
    language: str = "sv"
    manage_token: str | None = None
    online_url: str | None = None
    purpose: str | None = None
    invited: int | None = None
    is_over: bool = False
    given_at: datetime | None = None
    keep_until: datetime = Field(index=True)


class Delivery(Table, table=True):
    """A letter on its way: one per message, recipient and channel.

    `letter` holds name, address and text as JSON and is wiped once the letter is sent or given
    up. The rest is kept for 90 days and tells nothing about a person but `address_mark`, a keyed
    hash by which a bounce finds the address; `about`, the registration or booking, is how an
    erasure finds the delivery (wiped with the letter where that held a ballot).
    """

    __table_args__ = (
        UniqueConstraint("message_id", "recipient_hash", "channel", name="uq_delivery_effect"),
        Index("ix_delivery_status_id", "status", "id"),
    )

    id: str = Field(primary_key=True)
    message_id: str
    recipient_hash: str
    channel: str
    template: str
    status: str
    attempts: int
    reason: str | None = None
    created_at: datetime = Field(index=True)
    sent_at: datetime | None = None
    about: str | None = Field(default=None, index=True)
    address_mark: str | None = None
    letter: str | None = Field(default=None, sa_column=Column(Text, nullable=True))


class Suppression(Table, table=True):
    """An address that is not written to, by its keyed hash alone.

    `reach` is "optional" where the person wants no letter but those about their own doings, "all"
    where the address does not exist.
    """

    mark: str = Field(primary_key=True)
    reach: str
    since: datetime


class Attendance(Table, table=True):
    """Whether a registration came, as its last fact says; deleted when its survey is closed.

    `invited` says that a letter with a ballot was written to it, never which.
    """

    registration_id: str = Field(primary_key=True)
    event_id: str = Field(index=True)
    revision: int = Field(sa_type=BigInteger)
    came: bool
    invited: bool = False
    heard_at: datetime = Field(index=True)


class ClosedAttendance(Table, table=True):
    """An event about which the last word was said."""

    __tablename__ = "closed_attendance"

    event_id: str = Field(primary_key=True)
    heard_at: datetime = Field(index=True)


class Survey(Table, table=True):
    """A survey whose ballots are handed out here; kept, so that a repeat hands out none.

    `message_id` is that of the message which brought the first ballots: the cause of its letters.
    """

    survey_id: str = Field(primary_key=True)
    event_id: str = Field(index=True)
    message_id: str | None = None
    opened_at: datetime | None = None
    closes_at: datetime | None = None
    parts: int = 0
    heard: list[int] = Field(sa_column=Column(JSON, nullable=False))
    is_handed_out: bool = False
    is_reminded: bool = False
    is_closed: bool = False


class Ballot(Table, table=True):
    """A ballot that nobody was given yet: `locked` is its token, unreadable in the store.

    Its key is random, and so is the order of its rows.
    """

    key: str = Field(primary_key=True)
    survey_id: str = Field(index=True)
    locked: str
