"""Directory's tables: organisations and their residencies."""

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import Index, MetaData, text
from sqlmodel import Field, SQLModel

from shared.store import table_metadata

OPEN = text("ended_on IS NULL")


metadata = table_metadata()


class Table(SQLModel):
    """Directory's tables."""

    metadata: ClassVar[MetaData] = metadata


class Organisation(Table, table=True):
    """An organisation that the house deals with."""

    id: str = Field(primary_key=True)
    name: str = Field(index=True)
    kind: str
    sector: str | None
    listed: bool
    dissolved_on: date | None
    revision: int
    changed_at: datetime


class Residency(Table, table=True):
    """A stretch of days on which an organisation has its home in the house."""

    __table_args__ = (
        Index(
            "residency_open",
            "organisation_id",
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
    )

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    began_on: date
    ended_on: date | None
