"""Seals personal data so that only its addressee, who holds the private key, can read it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

MAX_PLAINTEXT_BYTES: Final = 16_384
MAX_SEALED_CHARACTERS: Final = 32_768
_MAX_HEADER_CHARACTERS: Final = 1_024
_ALG: Final = "ECDH-ES"
_ENC: Final = "A256GCM"
_HEADER_MEMBERS: Final = {"alg", "enc", "kid", "epk"}
_REGISTRY: Final = jwe.JWERegistry(algorithms=[_ALG, _ENC])


class CannotOpen(Exception):
    """A sealed text is damaged, too large, or sealed for a key that is not (or no longer) here."""


def new_sealing_key() -> dict[str, Any]:
    """Make a key pair: a private JWK (X25519) whose `kid` is its RFC 7638 thumbprint."""
    key = OKPKey.generate_key("X25519", private=True)
    return {**key.as_dict(private=True), "kid": key.thumbprint(), "use": "enc"}


def public_part(private_jwk: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sealer may know of a key pair."""
    return {name: value for name, value in private_jwk.items() if name != "d"}


class Sealer:
    """Seals for the holder of one public key; it cannot open what it sealed."""

    def __init__(self, public_jwk: Mapping[str, Any]) -> None:
        public = public_part(public_jwk)
        self._kid = str(public["kid"])
        self._key = OKPKey.import_key(public)

    def seal(self, plaintext: bytes) -> str:
        """Return `plaintext` (at most 16 KB) as a compact JWE; twice the same never looks alike."""
        if len(plaintext) > MAX_PLAINTEXT_BYTES:
            raise ValueError(f"at most {MAX_PLAINTEXT_BYTES} bytes can be sealed")
        header = {"alg": _ALG, "enc": _ENC, "kid": self._kid}
        return jwe.encrypt_compact(header, plaintext, self._key, registry=_REGISTRY)


class Opener:
    """Opens what was sealed for any of its private keys, so that keys can be replaced."""

    def __init__(self, *private_jwks: Mapping[str, Any]) -> None:
        self._keys = {str(jwk["kid"]): OKPKey.import_key(dict(jwk)) for jwk in private_jwks}

    def open(self, sealed: str) -> bytes:
        """Return what was sealed.

        Raises CannotOpen, which never says more than that and carries no part of the text.
        """
        if len(sealed) > MAX_SEALED_CHARACTERS:
            raise CannotOpen("the sealed text is too large")
        key = self._keys.get(_kid(sealed))
        if key is None:
            raise CannotOpen("the sealed text is for a key that is not here")
        try:
            opened = jwe.decrypt_compact(sealed, key, registry=_REGISTRY)
        except (JoseError, InvalidTag, ValueError, KeyError, TypeError, AssertionError):
            raise CannotOpen("the sealed text is damaged") from None
        return bytes(opened.plaintext or b"")


def _kid(sealed: str) -> str:
    head = sealed[: _MAX_HEADER_CHARACTERS + 1].partition(".")[0]
    try:
        header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        raise CannotOpen("the sealed text is damaged") from None
    if (
        not isinstance(header, dict)
        or set(header) != _HEADER_MEMBERS
        or (header["alg"], header["enc"]) != (_ALG, _ENC)
    ):
        raise CannotOpen("the text is not sealed the way this installation seals")
    return str(header["kid"])
