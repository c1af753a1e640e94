"""Booking's first tables, and the guard that no cell is occupied twice at a time."""

import sqlalchemy as sa
from alembic import op
from sqlmodel import UTCDateTime

from shared.store.migrations import create_plumbing, is_postgresql

revision = "0001"
down_revision = None

EXCLUDE = """
ALTER TABLE occupancy ADD CONSTRAINT occupancy_no_overlap
EXCLUDE USING gist (cell_id WITH =, tstzrange(starts_at, guarded_until) WITH &&) WHERE (blocking)
"""
TRIGGER = """
CREATE TRIGGER occupancy_no_overlap_{event} BEFORE {event} ON occupancy WHEN NEW.blocking
BEGIN
    SELECT RAISE(ABORT, 'occupancy_no_overlap') FROM occupancy AS other
    WHERE other.cell_id = NEW.cell_id AND other.blocking
        AND other.booking_id <> NEW.booking_id
        AND other.starts_at < NEW.guarded_until AND other.guarded_until > NEW.starts_at;
END
"""


def upgrade() -> None:
    """Create the tables, then the guard of this database."""
    create_plumbing(op)
    _create_places()
    _create_bookings()
    _create_the_rest()
    if is_postgresql(op):
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        op.execute(EXCLUDE)
    else:
        for event in ("INSERT", "UPDATE"):
            op.execute(TRIGGER.format(event=event))


def _text(name: str, *, optional: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=optional)


def _number(name: str, *, optional: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=optional)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, UTCDateTime(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _reference(table: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([f"{other}_id"], [f"{other}.id"], name=f"fk_{table}_{other}_id")


def _create_places() -> None:
    op.create_table(
        "venue",
        _text("id"),
        _text("name"),
        _text("time_zone"),
        _number("revision"),
        _key("venue", "id"),
    )
    op.create_table(
        "room",
        _text("id"),
        _text("venue_id"),
        _text("name"),
        _number("capacity"),
        sa.Column("equipment", sa.JSON(), nullable=False),
        _text("opens_at"),
        _text("closes_at"),
        _number("buffer_minutes"),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("retired_on", sa.Date()),
        _instant("changed_at"),
        _number("revision"),
        _key("room", "id"),
        _reference("room", "venue"),
        sa.CheckConstraint("capacity > 0 AND buffer_minutes >= 0", name="ck_room_sizes"),
    )
    op.create_index("ix_room_venue_id", "room", ["venue_id"])
    op.create_table(
        "cell", _text("id"), _text("venue_id"), _key("cell", "id"), _reference("cell", "venue")
    )
    op.create_table(
        "room_cell",
        _text("room_id"),
        _text("cell_id"),
        _key("room_cell", "room_id", "cell_id"),
        _reference("room_cell", "room"),
        _reference("room_cell", "cell"),
    )


def _create_bookings() -> None:
    op.create_table(
        "booking",
        _text("id"),
        _text("room_id"),
        _text("organisation_id", optional=True),
        _text("purpose", optional=True),
        _instant("starts_at"),
        _instant("ends_at"),
        _number("expected_people"),
        _number("people", optional=True),
        _number("buffer_minutes"),
        _text("status"),
        _text("reason", optional=True),
        _text("for_kind", optional=True),
        _text("for_id", optional=True),
        _number("revision"),
        _instant("changed_at"),
        _key("booking", "id"),
        _reference("booking", "room"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_booking_ends_after_start"),
    )
    op.create_index("ix_booking_room_id", "booking", ["room_id"])
    op.create_index("ix_booking_organisation_id", "booking", ["organisation_id"])
    op.create_index("ix_booking_for", "booking", ["for_kind", "for_id"])
    op.create_index("ix_booking_starts_at", "booking", ["starts_at", "id"])
    op.create_table(
        "occupancy",
        _text("booking_id"),
        _text("cell_id"),
        _instant("starts_at"),
        _instant("ends_at"),
        _instant("guarded_from"),
        _instant("guarded_until"),
        sa.Column("blocking", sa.Boolean(), nullable=False),
        _key("occupancy", "booking_id", "cell_id"),
        _reference("occupancy", "booking"),
        _reference("occupancy", "cell"),
        sa.CheckConstraint(
            "guarded_from <= starts_at AND starts_at < ends_at AND ends_at <= guarded_until",
            name="ck_occupancy_order",
        ),
    )
    op.create_index("ix_occupancy_cell", "occupancy", ["cell_id", "guarded_until"])


def _create_the_rest() -> None:
    op.create_table(
        "contact",
        _text("booking_id"),
        _text("name"),
        _text("email"),
        _text("language"),
        _key("contact", "booking_id"),
        _reference("contact", "booking"),
    )
    op.create_table(
        "visit_count",
        _text("venue_id"),
        sa.Column("day", sa.Date(), nullable=False),
        _number("visits"),
        _key("visit_count", "venue_id", "day"),
        _reference("visit_count", "venue"),
        sa.CheckConstraint("visits >= 0", name="ck_visit_count_visits"),
    )
    op.create_table(
        "known_organisation",
        _text("id"),
        _number("revision"),
        sa.Column("dissolved_on", sa.Date()),
        _key("known_organisation", "id"),
    )
