"""The tables that every service's store has beside its own: outbox, inbox, due and their kin."""

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlmodel import UTCDateTime

PLUMBING = MetaData()

outbox = Table(
    "outbox",
    PLUMBING,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("message_id", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("key", LargeBinary),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary),
    Column("at", UTCDateTime, nullable=False),
    Column("sent_at", UTCDateTime),
    Index(
        "outbox_unsent",
        "seq",
        sqlite_where=text("sent_at IS NULL"),
        postgresql_where=text("sent_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)
"""Messages written with the facts they tell; the relay sends them in order of `seq`."""

inbox = Table(
    "inbox",
    PLUMBING,
    Column("consumer", String, primary_key=True),
    Column("message_id", String, primary_key=True),
    Column("day", String, nullable=False, index=True),
    sqlite_with_rowid=False,
)
"""Which messages a consumer has taken; inserted in the transaction of their effect."""

waiting = Table(
    "waiting",
    PLUMBING,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("consumer", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("awaits_topic", String),
    Column("awaits_key", String),
    Column("message_id", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("key", LargeBinary),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary),
    Column("since", UTCDateTime, nullable=False),
    Index("waiting_for", "consumer", "awaits_topic", "awaits_key"),
    Index("waiting_line", "consumer", "topic", "subject"),
    sqlite_autoincrement=True,
)
"""Messages that need what another topic has not brought yet, and those queued behind them."""

dead_letter = Table(
    "dead_letter",
    PLUMBING,
    Column("id", String, primary_key=True),
    Column("consumer", String, nullable=False),
    Column("message_id", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("key", LargeBinary),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", UTCDateTime, nullable=False),
)
"""Messages that could not be handled or sent, kept until they are replayed or dropped."""

due = Table(
    "due",
    PLUMBING,
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("at", UTCDateTime, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("data", Text, nullable=False),
)
"""What shall be done later, and when (domain time); at most one row per kind and key."""

idempotency = Table(
    "idempotency",
    PLUMBING,
    Column("caller", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("status", Integer, nullable=False),
    Column("location", String),
    Column("body", LargeBinary, nullable=False),
    Column("at", UTCDateTime, nullable=False, index=True),
    sqlite_with_rowid=False,
)
"""Answers already given to a caller's Idempotency-Key."""

about = Table(
    "about",
    PLUMBING,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)
"""What the store knows of itself: when it was first made (`born_at`), whom it has erased."""
