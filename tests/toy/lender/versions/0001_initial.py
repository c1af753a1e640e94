"""The lender's first tables."""

import sqlalchemy as sa
from alembic import op

from shared.store.migrations import create_plumbing

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create shelf and loan."""
    create_plumbing(op)
    op.create_table(
        "shelf",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.CheckConstraint("taken <= capacity", name="ck_shelf_capacity"),
    )
    op.create_table(
        "loan",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("shelf_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
    )
