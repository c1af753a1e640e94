"""What reporting keeps: one row per message that a figure may rest on, and how far it has come."""

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
