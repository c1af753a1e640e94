"""Surveys' tables: surveys, their ballots and box, and the words once they are out of it.

No row belongs to one answer. Keys are random, SQLite keeps rows in the order of their keys, and
PostgreSQL gets them in that order too: no order tells when anything came.
"""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Column, Index, MetaData
from sqlmodel import Field, SQLModel

from shared.store import table_metadata

BY_KEY = {"sqlite_with_rowid": False}

metadata = table_metadata()


class Table(SQLModel):
    """Surveys' tables."""

    metadata: ClassVar[MetaData] = metadata


class KnownEvent(Table, table=True):
    """An event as events tells of it: what a survey shows of it, and whether it takes place."""

    __tablename__ = "known_event"

    id: str = Field(primary_key=True)
    revision: int
    titles: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    format: str | None
    local_date: date | None
    cancelled: bool


class Survey(Table, table=True):
    """The survey of one event, and once it is closed what the release gate let out of it."""

    __table_args__ = (Index("ix_survey_closes_at", "closes_at", "id"), BY_KEY)

    id: str = Field(primary_key=True)
    event_id: str = Field(unique=True)
    year: int
    attended: int
    question: str
    closes_at: datetime
    state: str
    """open, closed, or lost: its box was destroyed before this store was restored."""
    rule: str | None
    result: dict[str, Any] | None = Field(sa_column=Column(JSON(none_as_null=True)))
    revision: int


class Ballot(Table, table=True):
    """The hash of a ballot for one purpose; the two lists of a survey have nothing in common.

    Spent ones stay until the close, so that using one twice gets its own answer.
    """

    __table_args__ = (Index("ix_ballot_survey_id", "survey_id"), BY_KEY)

    hash: str = Field(primary_key=True)
    survey_id: str
    purpose: str
    spent: bool


class Tally(Table, table=True):
    """The histogram of an open survey's question, sealed; the row that answers are locked by."""

    __table_args__ = BY_KEY

    survey_id: str = Field(primary_key=True)
    question: str = Field(primary_key=True)
    box: str
    sealed: bytes


class SealedWords(Table, table=True):
    """Words in the box of an open survey; the key is random, or the hash of a receipt code."""

    __tablename__ = "sealed_words"
    __table_args__ = (Index("ix_sealed_words_survey_id", "survey_id"), BY_KEY)

    key: str = Field(primary_key=True)
    survey_id: str
    sealed: bytes


class Words(Table, table=True):
    """What somebody wrote for the house alone; in the store only once the survey is closed."""

    __table_args__ = (Index("ix_words_survey_id", "survey_id", "id"), BY_KEY)

    id: str = Field(primary_key=True)
    survey_id: str
    text: str


class Quote(Table, table=True):
    """What somebody wrote and lets others read, if a person of the house approves it.

    `text` is none once it is withdrawn; `published` is the text as it was approved, and
    `names_event` whether its event is said beside it.
    """

    __table_args__ = (
        Index("ix_quote_survey_id", "survey_id"),
        Index("ix_quote_status", "status", "id"),
        BY_KEY,
    )

    id: str = Field(primary_key=True)
    survey_id: str
    status: str
    text: str | None
    published: str | None
    names_event: bool
    code_hash: str = Field(unique=True)
    revision: int
