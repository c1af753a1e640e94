"""The first tables: facts, and how far the projection has come."""

import sqlalchemy as sa
from alembic import op
from sqlmodel import UTCDateTime

from shared.store.migrations import create_plumbing

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create fact and progress, whose one row is always there."""
    create_plumbing(op)
    op.create_table(
        "fact",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("data", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_fact"),
    )
    op.create_index("ix_fact_scope", "fact", ["scope"])
    op.create_index("ix_fact_year", "fact", ["year"])
    progress = op.create_table(
        "progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_progress"),
    )
    op.bulk_insert(progress, [{"id": 1, "changes": 0}])
