"""The ledger's first table."""

import sqlalchemy as sa
from alembic import op

from shared.store.migrations import create_plumbing

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create entry."""
    create_plumbing(op)
    op.create_table(
        "entry",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("loan_id", sa.String(), nullable=False),
        sa.Column("shelf_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.String()),
    )
    op.create_table(
        "name",
        sa.Column("loan_id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
    )
