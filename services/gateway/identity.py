"""Who is calling: reads Authorization, and knows the keys it has seen for a moment."""

import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.gateway.rules import is_alive
from services.gateway.tokens import SessionToken, parse_session_token
from shared.clock import Clock
from shared.http.problems import Unauthorised
from shared.security.api_keys import ApiKey, parse_api_key, secret_matches
from shared.security.principal import PUBLIC, Principal

MAX_BYTES: Final = 2_048
_KNOWN_AT_MOST: Final = 10_000
_BEARER: Final = re.compile(rb"bearer +([!-~]+)", re.IGNORECASE)
_LINK: Final = re.compile(r"link_[0-9A-Za-z_.-]{1,251}")
_INVALID: Final = "invalid_token"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What the gateway knows of a key or session without asking its store again."""

    principal: Principal
    secret_hash: str
    expires_at: datetime | None
    revoked: bool


Shown = ApiKey | SessionToken
"""What somebody shows to say who he is, unproven; the ids of both kinds never meet."""

FindKey = Callable[[Shown], Awaitable[KnownKey | None]]


class KeyCache:
    """The keys seen lately; a key is looked up again after `seconds`."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._known: dict[str, tuple[float, KnownKey]] = {}
        self.forgotten = 0

    def get(self, key_id: str) -> tuple[KnownKey, bool] | None:
        """Return the key and whether that is fresh, or None where it was not seen."""
        found = self._known.get(key_id)
        if found is None:
            return None
        return found[1], self._clock() - found[0] < self._seconds

    def put(self, key_id: str, known: KnownKey, *, forgotten: int) -> None:
        """Know a key from now on, unless one was revoked since it was looked up.

        `forgotten` is the number that the cache had before the look: what was read before a key
        was revoked must not outlive that.
        """
        if forgotten != self.forgotten:
            return
        if len(self._known) >= _KNOWN_AT_MOST:
            self._known.clear()
        self._known[key_id] = (self._clock(), known)

    def forget(self, key_id: str) -> None:
        """Look the key up at its next use."""
        self._known.pop(key_id, None)
        self.forgotten += 1


class Identity:
    """Turns a request's credentials into a principal; `find` reads a key from the store."""

    def __init__(self, clock: Clock, cache: KeyCache, find: FindKey) -> None:
        self._clock = clock
        self._cache = cache
        self._find = find

    def claimed(self, headers: Iterable[tuple[bytes, bytes]]) -> Shown | Principal:
        """Return the key or session shown, unproven, or the public, or the holder of a link.

        A link's token is passed on unread: the service that made it reads it. Raises
        Unauthorised for anything else.
        """
        given = [value for name, value in headers if name == b"authorization"]
        if not given:
            return PUBLIC
        match = _BEARER.fullmatch(given[0]) if len(given[0]) <= MAX_BYTES else None
        if len(given) > 1 or match is None:
            raise Unauthorised("Send one `Authorization: Bearer …`.", reason="invalid_request")
        token = match[1].decode("ascii")
        if (key := parse_api_key(token)) is not None:
            return key
        if (session := parse_session_token(token)) is not None:
            return session
        if _LINK.fullmatch(token):
            digest = hashlib.sha256(token.encode("ascii")).hexdigest()
            return Principal(kind="link", id=f"link-{digest[:24]}", link_token=token)
        raise Unauthorised("These credentials are not of a kind we know.", reason=_INVALID)

    def known(self, key: Shown) -> Principal | None:
        """Return the holder of a key that was proven a moment ago, or None: ask `proven`."""
        found = self._cache.get(key.id)
        return self._holder(key, found[0]) if found and found[1] else None

    def is_guess(self, key: Shown) -> bool:
        """Tell whether nothing is known that speaks for this key."""
        found = self._cache.get(key.id)
        return found is None or self._holder(key, found[0]) is None

    async def proven(self, key: Shown) -> Principal | None:
        """Return the holder of `key` by what the store says, or None where it does not count."""
        forgotten = self._cache.forgotten
        known = await self._find(key)
        if known is None:
            return None
        self._cache.put(key.id, known, forgotten=forgotten)
        return self._holder(key, known)

    def _holder(self, key: Shown, known: KnownKey) -> Principal | None:
        alive = is_alive(self._clock.now(), revoked=known.revoked, expires_at=known.expires_at)
        return known.principal if secret_matches(key.secret, known.secret_hash) and alive else None
