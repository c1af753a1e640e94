"""Surveys' first tables."""

import sqlalchemy as sa
from alembic import op
from sqlmodel import UTCDateTime

from shared.store.migrations import create_plumbing

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables; SQLite keeps the rows of all but the known events by their keys."""
    create_plumbing(op)
    _create_surveys()
    _create_box()
    _create_words()


def _text(name: str, *, optional: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=optional)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _sealed() -> sa.Column[bytes]:
    return sa.Column("sealed", sa.LargeBinary(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _create_surveys() -> None:
    op.create_table(
        "known_event",
        _text("id"),
        _number("revision"),
        sa.Column("titles", sa.JSON(), nullable=False),
        _text("format", optional=True),
        sa.Column("local_date", sa.Date()),
        _flag("cancelled"),
        _key("known_event", "id"),
    )
    op.create_table(
        "survey",
        _text("id"),
        _text("event_id"),
        _number("year"),
        _number("attended"),
        _text("question"),
        sa.Column("closes_at", UTCDateTime(), nullable=False),
        _text("state"),
        _text("rule", optional=True),
        sa.Column("result", sa.JSON(none_as_null=True)),
        _number("revision"),
        _key("survey", "id"),
        sa.UniqueConstraint("event_id", name="uq_survey_event_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_survey_closes_at", "survey", ["closes_at", "id"])


def _create_box() -> None:
    op.create_table(
        "ballot",
        _text("hash"),
        _text("survey_id"),
        _text("purpose"),
        _flag("spent"),
        _key("ballot", "hash"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ballot_survey_id", "ballot", ["survey_id"])
    op.create_table(
        "tally",
        _text("survey_id"),
        _text("question"),
        _text("box"),
        _sealed(),
        _key("tally", "survey_id", "question"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sealed_words",
        _text("key"),
        _text("survey_id"),
        _sealed(),
        _key("sealed_words", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sealed_words_survey_id", "sealed_words", ["survey_id"])


def _create_words() -> None:
    op.create_table(
        "words",
        _text("id"),
        _text("survey_id"),
        _text("text"),
        _key("words", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_words_survey_id", "words", ["survey_id", "id"])
    op.create_table(
        "quote",
        _text("id"),
        _text("survey_id"),
        _text("status"),
        _text("text", optional=True),
        _text("published", optional=True),
        _flag("names_event"),
        _text("code_hash"),
        _number("revision"),
        _key("quote", "id"),
        sa.UniqueConstraint("code_hash", name="uq_quote_code_hash"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_quote_survey_id", "quote", ["survey_id"])
    op.create_index("ix_quote_status", "quote", ["status", "id"])
