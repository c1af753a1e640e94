"""Expand: a loan has a shade; whoever does not know it leaves it out."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add loan.shade."""
    op.add_column("loan", sa.Column("shade", sa.String()))
