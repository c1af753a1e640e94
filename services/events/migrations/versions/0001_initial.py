from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlmodel import UTCDateTime

from shared.store.migrations import create_plumbing

revision = "0001"
down_revision = None

LIVE = sa.text("person IS NOT NULL AND status NOT IN ('cancelled', 'declined')")


def key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), primary_key=True)


def column(name: str, kind: Any, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null)


def upgrade() -> None:
    create_plumbing(op)
    programme()
    line()
    persons()


def programme() -> None:
    op.create_table(
        "theme",
        key("id"),
        column("year", sa.Integer),
        column("key", sa.String),
        column("titles", sa.JSON),
        column("revision", sa.Integer),
        sa.UniqueConstraint("year", "key", name="uq_theme_year_key"),
    )
    op.create_table(
        "event",
        key("id"),
        column("status", sa.String),
        column("format", sa.String),
        column("titles", sa.JSON),
        column("summaries", sa.JSON),
        column("theme_id", sa.String, null=True),
        column("capacity", sa.Integer),
        column("starts_at", UTCDateTime),
        column("ends_at", UTCDateTime),
        column("time_zone", sa.String),
        column("local_date", sa.Date),
        column("year", sa.Integer),
        column("place", sa.String, null=True),
        column("room_id", sa.String, null=True),
        column("booking_id", sa.String, null=True),
        column("room_wanted", sa.JSON, null=True),
        column("room_refusal", sa.String, null=True),
        column("online_url", sa.String, null=True),
        column("languages", sa.JSON),
        column("interpreted_to", sa.JSON),
        column("accessibility", sa.String, null=True),
        column("sessions", sa.JSON),
        column("partners", sa.JSON),
        column("sector_quotas", sa.JSON),
        column("admission", sa.String),
        column("waiting_list", sa.Boolean),
        column("registration_opens_at", UTCDateTime, null=True),
        column("registration_closes_at", UTCDateTime, null=True),
        column("was_published", sa.Boolean),
        column("attendance_closed_at", UTCDateTime, null=True),
        column("changed_at", UTCDateTime),
        column("revision", sa.Integer),
    )
    op.create_index("ix_event_starts_at_id", "event", ["starts_at", "id"])
    op.create_index("ix_event_changed_at_id", "event", ["changed_at", "id"])
    op.create_table(
        "organisation",
        key("id"),
        column("name", sa.String, null=True),
        column("sector", sa.String, null=True),
        column("is_listed", sa.Boolean),
    )


def line() -> None:
    op.create_table(
        "places",
        key("event_id"),
        column("capacity", sa.Integer),
        column("ceiling", sa.Integer),
        column("taken", sa.Integer),
        column("waiting", sa.Integer),
        column("last_seq", sa.Integer),
        column("is_open", sa.Boolean),
        column("admission", sa.String),
        column("waiting_list", sa.Boolean),
        column("opens_at", UTCDateTime, null=True),
        column("closes_at", UTCDateTime),
        column("starts_at", UTCDateTime),
        column("year", sa.Integer),
        column("online_url", sa.String, null=True),
        sa.CheckConstraint("taken >= 0 AND taken <= ceiling", name="ck_places_taken"),
        sa.CheckConstraint("waiting >= 0", name="ck_places_waiting"),
    )
    op.create_table(
        "registration",
        key("id"),
        column("event_id", sa.String),
        column("status", sa.String),
        column("seq", sa.Integer),
        column("people", sa.Integer),
        column("is_group", sa.Boolean),
        column("group_organisation_id", sa.String, null=True),
        column("sector", sa.String, null=True),
        column("person", sa.String, null=True),
        column("confirm_by", UTCDateTime, null=True),
        column("told_again_at", UTCDateTime, null=True),
        column("created_at", UTCDateTime),
        column("revision", sa.Integer),
    )
    op.create_index("ix_registration_line", "registration", ["event_id", "status", "seq"])
    op.create_index("ix_registration_event_id_id", "registration", ["event_id", "id"])
    op.create_index(
        "uq_registration_person",
        "registration",
        ["event_id", "person"],
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )
    op.create_table(
        "headcount",
        key("id"),
        column("event_id", sa.String),
        column("people", sa.Integer),
        column("sector", sa.String, null=True),
        column("counted_at", UTCDateTime),
    )
    op.create_index("ix_headcount_event_id", "headcount", ["event_id"])


def persons() -> None:
    op.create_table(
        "contact",
        key("registration_id"),
        column("name", sa.String),
        column("email", sa.String, null=True),
        column("email_key", sa.String, null=True),
        column("language", sa.String),
    )
    op.create_index("ix_contact_email_key", "contact", ["email_key"])
    op.create_table(
        "need",
        key("id"),
        column("registration_id", sa.String),
        column("kind", sa.String),
        column("detail", sa.String, null=True),
    )
    op.create_index("ix_need_registration_id", "need", ["registration_id"])
