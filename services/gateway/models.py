"""The gateway's tables: the keys of applications, who has signed in, and the feed."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, MetaData, text
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


class SignInLinkRow(Table, table=True):
    """A link that begins one session; of its token only the hash is kept."""

    __tablename__ = "sign_in_link"

    token_hash: str = Field(primary_key=True)
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    organisation_id: str | None = None
    created_at: datetime
    expires_at: datetime
    session_id: str | None = None
    """The session that was begun with it: a link that has one is spent."""
    attempt_hash: str | None = None


class SessionRow(Table, table=True):
    """Somebody who signed in, and what he may do; of the session's secret only the hash is kept."""

    __tablename__ = "session"

    id: str = Field(primary_key=True)
    secret_hash: str
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    organisation_id: str | None = None
    created_at: datetime
    expires_at: datetime


class FeedRow(Table, table=True):
    """A message in its public view; `data` is taken out of it where it was withdrawn."""

    __tablename__ = "feed"
    __table_args__ = (
        Index(
            "ix_feed_taken_back_by",
            "taken_back_by",
            sqlite_where=text("taken_back_by IS NOT NULL"),
            postgresql_where=text("taken_back_by IS NOT NULL"),
        ),
    )

    position: int = Field(
        sa_column=Column(
            BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
        )
    )
    message_id: str = Field(unique=True)
    type: str
    envelope: str
    data: str | None = None
    taken_back_by: str | None = None
    """What a withdrawal names; None where there is nothing to withdraw."""


class FeedHead(Table, table=True):
    """One row: the newest position, and which store it was that numbered."""

    __tablename__ = "feed_head"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    epoch: str
    position: int = Field(sa_type=BigInteger)


class ListedOrganisation(Table, table=True):
    """An organisation that the public may know of now."""

    __tablename__ = "feed_organisation"

    organisation_id: str = Field(primary_key=True)
