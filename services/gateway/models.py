"""The gateway's table: the keys of applications."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import JSON, Column, MetaData
from sqlmodel import Field, SQLModel

from shared.store import table_metadata


class Table(SQLModel):
    """The gateway's tables."""

    metadata: ClassVar[MetaData] = table_metadata()


class ApiKeyRow(Table, table=True):
    """A key and what its holder may do; of its secret only the hash is kept."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True)
    name: str
    secret_hash: str
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    organisation_id: str | None = None
    created_at: datetime
    expires_at: datetime | None = None
    revoked: bool = False
    revision: int = 1
