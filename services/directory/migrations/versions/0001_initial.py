"""Directory's first tables."""

import sqlalchemy as sa
from alembic import op
from sqlmodel import UTCDateTime

from shared.store.migrations import create_plumbing

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create organisation and residency."""
    create_plumbing(op)
    op.create_table(
        "organisation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sector", sa.String()),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("dissolved_on", sa.Date()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organisation"),
    )
    op.create_index("ix_organisation_name", "organisation", ["name"])
    op.create_table(
        "residency",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("began_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date()),
        sa.PrimaryKeyConstraint("id", name="pk_residency"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_residency_organisation_id"
        ),
    )
    op.create_index("ix_residency_organisation_id", "residency", ["organisation_id"])
    is_open = sa.text("ended_on IS NULL")
    op.create_index(
        "residency_open",
        "residency",
        ["organisation_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
