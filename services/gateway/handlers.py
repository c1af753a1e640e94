"""Making API keys and taking them back."""

from dataclasses import dataclass
from datetime import datetime

from services.gateway.identity import KeyCache
from services.gateway.models import ApiKeyRow
from services.gateway.queries import ADMIN, find_key, live_admin_keys
from services.gateway.rules import LastAdminKey, check_expiry, is_alive
from shared.http.problems import NotFound
from shared.security.api_keys import ApiKey, hash_secret, new_api_key
from shared.store import Work


@dataclass(frozen=True)
class MakeApiKey:
    """Somebody who may wants a key for an application."""

    name: str
    scopes: list[str]
    organisation_id: str | None
    expires_at: datetime | None


async def make_api_key(work: Work, command: MakeApiKey) -> tuple[ApiKeyRow, ApiKey]:
    """Make a key; its secret is in what this returns and nowhere else. Raises KeyExpired."""
    check_expiry(work.now, command.expires_at)
    key = new_api_key()
    return add_key(work, key, command), key


def add_key(work: Work, key: ApiKey, command: MakeApiKey) -> ApiKeyRow:
    """Keep what is kept of `key`."""
    row = ApiKeyRow(
        id=key.id,
        name=command.name,
        secret_hash=hash_secret(key.secret),
        scopes=sorted(set(command.scopes)),
        organisation_id=command.organisation_id,
        created_at=work.now,
        expires_at=command.expires_at,
    )
    work.add(row)
    return row


@dataclass(frozen=True)
class RevokeApiKey:
    """A key shall count no more; a bound caller reaches only his organisation's."""

    id: str
    organisation_id: str | None


async def revoke_api_key(work: Work, command: RevokeApiKey) -> None:
    """Revoke a key; again changes nothing. Raises NotFound, LastAdminKey."""
    admins = await live_admin_keys(work)
    row = await find_key(work, command.id, command.organisation_id)
    if row is None:
        raise NotFound("There is no such key.")
    if row.revoked:
        return
    living = [
        each.id for each in admins if is_alive(work.now, revoked=False, expires_at=each.expires_at)
    ]
    if ADMIN in row.scopes and living == [row.id]:
        raise LastAdminKey("Nobody could make keys any more.")
    row.revoked = True
    row.revision += 1
    cache = work.need(KeyCache)
    work.after_commit(lambda: cache.forget(command.id))
