"""The form of an application's key, and what is kept of it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass
from typing import Final

MAX_CHARACTERS: Final = 200
_LETTERS: Final = string.ascii_letters + string.digits
_ID_LENGTH: Final = 12
_SECRET_LENGTH: Final = 43  # 62 ** 43 > 2 ** 256
_FORM: Final = re.compile(r"andan_([0-9A-Za-z]{8,32})_([0-9A-Za-z]{43,86})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its holder sends it: a public id and a secret of 256 bits."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"andan_{self.id}_{self.secret}"

    def __repr__(self) -> str:
        return f"ApiKey(id={self.id!r})"


def new_api_key() -> ApiKey:
    """Make a key that nobody can guess; its text is shown once and kept nowhere."""
    return ApiKey(id=_random(_ID_LENGTH), secret=_random(_SECRET_LENGTH))


def parse_api_key(text: str) -> ApiKey | None:
    """Read `andan_<id>_<secret>`, or return None where `text` is anything else."""
    if len(text) > MAX_CHARACTERS:
        return None
    match = _FORM.fullmatch(text)
    return ApiKey(match[1], match[2]) if match else None


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret: its SHA-256, in hex.

    A slow hash protects words that people choose and others can guess. This secret is 256
    random bits: guessing is hopeless at any speed, and each request has to check one.
    """
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def secret_matches(secret: str, stored: str) -> bool:
    """Compare a secret with its stored hash in constant time."""
    return hmac.compare_digest(hash_secret(secret), stored)


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
