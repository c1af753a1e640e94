"""Since when somebody is in."""

import sqlalchemy as sa
from alembic import op
from sqlmodel import UTCDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("registration", sa.Column("attended_at", UTCDateTime(), nullable=True))
