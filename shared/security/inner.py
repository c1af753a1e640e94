"""The short-lived signed token by which the gateway tells a service who is calling."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, get_args

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from shared.security.principal import PUBLIC, Kind, Principal

HEADER: Final = "andan-principal"
VISITOR: Final = "andan-visitor"
"""By which a page says that the visitor it asks for was counted already."""
PAGES: Final = "web"
"""Whom that header names: nobody with a right to anything."""
MISHAP: Final = "andan-mishap"
"""By which the gateway has a page say what it refused, as a status."""
MAX_BYTES: Final = 8_192
LIFETIME_SECONDS: Final = 60
_REMINT_SECONDS: Final = 30
_SKEW_SECONDS: Final = 5
_CACHED: Final = 4_096
_ALGORITHM: Final = "HS256"
_TYPE: Final = "andan-principal"
_KINDS: Final = frozenset(get_args(Kind))


class BadInnerToken(Exception):
    """An inner token is forged, expired, too large or malformed."""


class InnerKey:
    """Mints and reads inner tokens with a shared secret.

    The first secret signs, all of them verify, so that one can be replaced while old tokens
    live. Time is the system's: these tokens are technical and live a minute.
    """

    def __init__(self, *secrets: bytes, seconds: Callable[[], float] = time.time) -> None:
        if not secrets or any(len(secret) < 32 for secret in secrets):
            raise ValueError("an inner key needs at least one secret of 32 bytes or more")
        self._keys: Sequence[OctKey] = [OctKey.import_key(secret) for secret in secrets]
        self._registry = jws.JWSRegistry(algorithms=[_ALGORITHM])
        self._seconds = seconds
        self._minted: dict[Principal, tuple[float, str]] = {}
        self._read: dict[str, tuple[float, Principal]] = {}

    def mint(self, principal: Principal) -> str:
        """Return a token for `principal`, the same one for half a minute."""
        now = self._seconds()
        cached = self._minted.get(principal)
        if cached is not None and 0 <= now - cached[0] < _REMINT_SECONDS:
            return cached[1]
        claims = {
            "kind": principal.kind,
            "id": principal.id,
            "scopes": sorted(principal.scopes),
            "organisation_id": principal.organisation_id,
            "link_token": principal.link_token,
            "exp": int(now) + LIFETIME_SECONDS,
        }
        header = {"alg": _ALGORITHM, "typ": _TYPE}
        token = jws.serialize_compact(
            header, json.dumps(claims, separators=(",", ":")), self._keys[0], [_ALGORITHM]
        )
        if len(token) > MAX_BYTES:
            raise ValueError("the principal does not fit into an inner token")
        if len(self._minted) >= _CACHED:
            self._minted.clear()
        self._minted[principal] = (now, token)
        return token

    def read(self, token: str | None) -> Principal:
        """Return who `token` speaks for; no token is the public.

        Raises BadInnerToken for anything that this key did not sign within the last minute.
        """
        if token is None:
            return PUBLIC
        now = self._seconds()
        cached = self._read.get(token)
        if cached is not None and cached[0] > now:
            return cached[1]
        if len(token) > MAX_BYTES:
            raise BadInnerToken("the token is too large")
        expires_at, principal = _principal(self._verified(token))
        if not now - _SKEW_SECONDS < expires_at <= now + LIFETIME_SECONDS + _SKEW_SECONDS:
            raise BadInnerToken("the token has expired")
        if len(self._read) >= _CACHED:
            self._read.clear()
        self._read[token] = (expires_at, principal)
        return principal

    def _verified(self, token: str) -> bytes:
        for key in self._keys:
            try:
                signed = jws.deserialize_compact(token, key, registry=self._registry)
            except (JoseError, ValueError, KeyError, TypeError, AttributeError):
                continue
            if signed.protected.get("typ") == _TYPE:
                return bytes(signed.payload or b"")
        raise BadInnerToken("the token is not signed by this installation")


def _principal(payload: bytes) -> tuple[float, Principal]:
    try:
        claims: dict[str, Any] = json.loads(payload)
        if claims["kind"] not in _KINDS:
            raise BadInnerToken("the token names an unknown kind of caller")
        return float(claims["exp"]), Principal(
            kind=claims["kind"],
            id=str(claims["id"]),
            scopes=frozenset(claims["scopes"]),
            organisation_id=claims["organisation_id"],
            link_token=claims["link_token"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadInnerToken("the token is malformed") from error
