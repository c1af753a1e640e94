"""Quotes, closed years, and the versions of their figures."""

import sqlalchemy as sa
from alembic import op
from sqlmodel import UTCDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create quote, closed_year and published_figure."""
    op.create_table(
        "quote",
        sa.Column("quote_id", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("quote_id", name="pk_quote"),
    )
    op.create_index("ix_quote_year", "quote", ["year"])
    op.create_table(
        "closed_year",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("closed_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("year", name="pk_closed_year"),
    )
    op.create_table(
        "published_figure",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("because", sa.String(), nullable=True),
        sa.Column("as_of", UTCDateTime(), nullable=True),
        sa.Column("published_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("year", "key", "event_id", "version", name="pk_published_figure"),
    )
