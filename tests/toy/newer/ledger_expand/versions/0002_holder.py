"""Expand: what was `name` will be `holder`; both are there, and either may be empty."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add entry.holder and entry.shade."""
    op.add_column("entry", sa.Column("holder", sa.String()))
    op.add_column("entry", sa.Column("shade", sa.String()))
