"""The first tables of notifications."""

import sqlalchemy as sa
from alembic import op
from sqlmodel import UTCDateTime

from shared.store.migrations import create_plumbing

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create what is known of events and rooms, contacts and deliveries."""
    create_plumbing(op)
    op.create_table(
        "known_event",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("titles", sa.JSON(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("place", sa.String()),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("room_id", sa.String()),
        sa.Column("calendar_sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_known_event"),
    )
    op.create_table(
        "known_room",
        sa.Column("room_id", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("venue_name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("room_id", name="pk_known_room"),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String()),
        sa.Column("name", sa.String()),
        sa.Column("email", sa.String()),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("manage_token", sa.String()),
        sa.Column("online_url", sa.String()),
        sa.Column("purpose", sa.String()),
        sa.Column("invited", sa.Integer()),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.Column("given_at", UTCDateTime()),
        sa.Column("keep_until", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
    )
    op.create_index("ix_contact_event_id", "contact", ["event_id"])
    op.create_index("ix_contact_keep_until", "contact", ["keep_until"])
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("recipient_hash", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String()),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("sent_at", UTCDateTime()),
        sa.Column("about", sa.String()),
        sa.Column("letter", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("message_id", "recipient_hash", "channel", name="uq_delivery_effect"),
    )
    op.create_index("ix_delivery_about", "delivery", ["about"])
    op.create_index("ix_delivery_created_at", "delivery", ["created_at"])
    op.create_index("ix_delivery_status_id", "delivery", ["status", "id"])
