"""What reporting keeps: messages that figures rest on, quotes, and what was published of a year."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, MetaData
from sqlmodel import Field, SQLModel

from shared.store import table_metadata


class Table(SQLModel):
    """The tables of reporting."""

    metadata: ClassVar[MetaData] = table_metadata()


class KeptFact(Table, table=True):
    """What is kept of one message; never changed once written."""

    __tablename__: ClassVar[Any] = "fact"

    message_id: str = Field(primary_key=True)
    type: str
    scope: str = Field(index=True)
    slot: str
    sequence: int = Field(sa_type=BigInteger)
    at: datetime
    year: int | None = Field(default=None, index=True)
    data: str


class Progress(Table, table=True):
    """One row: grows whenever facts are kept, so that a year told before is told anew."""

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    changes: int = Field(sa_type=BigInteger)


class Quote(Table, table=True):
    """A quote that may be read; of one that was withdrawn, nothing but its random id."""

    quote_id: str = Field(primary_key=True)
    year: int | None = Field(default=None, index=True)
    event_id: str | None = None
    text: str | None = None
    language: str | None = None


class ClosedYear(Table, table=True):
    """A year whose report is final."""

    __tablename__: ClassVar[Any] = "closed_year"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    closed_at: datetime


class PublishedFigure(Table, table=True):
    """A version of a figure of a closed year, as it was published; never changed."""

    __tablename__: ClassVar[Any] = "published_figure"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    key: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    value: str
    because: str | None = None
    as_of: datetime | None = None
    published_at: datetime
