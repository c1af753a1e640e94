"""Reads over API keys."""

from sqlalchemy import Select, select
from sqlmodel import col

from services.gateway.models import ApiKeyRow
from shared.http.paging import keyset
from shared.store import Reader

ADMIN = "gateway:admin"


def _visible(organisation_id: str | None) -> Select[ApiKeyRow]:
    """A bound caller sees the keys of his organisation, any other all of them."""
    statement = select(ApiKeyRow)
    if organisation_id is not None:
        statement = statement.where(col(ApiKeyRow.organisation_id) == organisation_id)
    return statement


async def list_keys(
    reader: Reader, organisation_id: str | None, *, limit: int, cursor: str | None
) -> tuple[list[ApiKeyRow], str | None]:
    """Return one page of keys, oldest first, and the next cursor."""
    keys = (col(ApiKeyRow.created_at), col(ApiKeyRow.id))
    return await keyset(reader, _visible(organisation_id), keys, limit=limit, cursor=cursor)


async def find_key(
    reader: Reader, key_id: str, organisation_id: str | None = None
) -> ApiKeyRow | None:
    """Return the key, or None where there is none for this caller."""
    statement = _visible(organisation_id).where(col(ApiKeyRow.id) == key_id)
    row: ApiKeyRow | None = await reader.scalar(statement)
    return row


async def live_admin_keys(reader: Reader) -> list[ApiKeyRow]:
    """Return the unbound keys with gateway:admin that are not revoked; some may have expired."""
    statement = _visible(None).where(
        col(ApiKeyRow.revoked).is_(False), col(ApiKeyRow.organisation_id).is_(None)
    )
    return [row for row in await reader.scalars(statement) if ADMIN in row.scopes]


async def has_any_key(reader: Reader) -> bool:
    """Tell whether a key was ever made here."""
    return await reader.scalar(select(col(ApiKeyRow.id)).limit(1)) is not None
