"""Migrate, then contract: nobody who writes `name` runs any more, so it goes."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Carry over what only has a name, and drop entry.name."""
    op.execute("UPDATE entry SET holder = name WHERE holder IS NULL AND name IS NOT NULL")
    op.drop_column("entry", "name")
