"""Ballots to hand out, who came, and addresses that are not written to."""

import sqlalchemy as sa
from alembic import op
from sqlmodel import UTCDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what surveys and bounces need."""
    op.add_column("delivery", sa.Column("address_mark", sa.String()))
    op.create_table(
        "suppression",
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("reach", sa.String(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name="pk_suppression"),
    )
    op.create_table(
        "attendance",
        sa.Column("registration_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("came", sa.Boolean(), nullable=False),
        sa.Column("invited", sa.Boolean(), nullable=False),
        sa.Column("heard_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("registration_id", name="pk_attendance"),
    )
    op.create_index("ix_attendance_event_id", "attendance", ["event_id"])
    op.create_index("ix_attendance_heard_at", "attendance", ["heard_at"])
    op.create_table(
        "closed_attendance",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("heard_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_closed_attendance"),
    )
    op.create_index("ix_closed_attendance_heard_at", "closed_attendance", ["heard_at"])
    op.create_table(
        "survey",
        sa.Column("survey_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String()),
        sa.Column("opened_at", UTCDateTime()),
        sa.Column("closes_at", UTCDateTime()),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("heard", sa.JSON(), nullable=False),
        sa.Column("is_handed_out", sa.Boolean(), nullable=False),
        sa.Column("is_reminded", sa.Boolean(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("survey_id", name="pk_survey"),
    )
    op.create_index("ix_survey_event_id", "survey", ["event_id"])
    op.create_table(
        "ballot",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("survey_id", sa.String(), nullable=False),
        sa.Column("locked", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_ballot"),
    )
    op.create_index("ix_ballot_survey_id", "ballot", ["survey_id"])
