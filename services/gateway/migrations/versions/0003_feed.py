"""The feed, its head with a new epoch, and which organisations it may name."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "feed",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("envelope", sa.String(), nullable=False),
        sa.Column("data", sa.String(), nullable=True),
        sa.Column("taken_back_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("position", name="pk_feed"),
        sa.UniqueConstraint("message_id", name="uq_feed_message_id"),
    )
    op.create_index(
        "ix_feed_taken_back_by",
        "feed",
        ["taken_back_by"],
        sqlite_where=sa.text("taken_back_by IS NOT NULL"),
        postgresql_where=sa.text("taken_back_by IS NOT NULL"),
    )
    head = op.create_table(
        "feed_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feed_head"),
    )
    op.bulk_insert(head, [{"id": 1, "epoch": secrets.token_hex(6), "position": 0}])
    op.create_table(
        "feed_organisation",
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", name="pk_feed_organisation"),
    )
