"""A store that holds quotes already compares them with their topic as soon as it is used."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlmodel import UTCDateTime

revision = "0003"
down_revision = "0002"

_PLAN = sa.text(
    "INSERT INTO due (kind, key, at, attempts, data)"
    " SELECT 'untold-quotes', 'quotes', :at, 0, '{}'"
    " WHERE EXISTS (SELECT 1 FROM quote WHERE text IS NOT NULL) ON CONFLICT DO NOTHING"
).bindparams(sa.bindparam("at", type_=UTCDateTime()))


def upgrade() -> None:
    """Plan the comparison: 1970 is overdue."""
    op.execute(_PLAN.bindparams(at=datetime(1970, 1, 1, tzinfo=UTC)))
