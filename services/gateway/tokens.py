"""The tokens of signing in: what a one-time link carries, and what a session is known by."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

LINK_FORM: Final = r"^[0-9A-Za-z_-]{43}$"
_SESSION: Final = re.compile(r"session_([0-9a-f-]{36})_([0-9A-Za-z_-]{43})")


@dataclass(frozen=True, slots=True)
class SessionToken:
    """A session as its holder shows it: the session's id and a secret of 256 bits."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"session_{self.id}_{self.secret}"

    def __repr__(self) -> str:
        return f"SessionToken(id={self.id!r})"


def parse_session_token(text: str) -> SessionToken | None:
    """Read `session_<id>_<secret>`, or return None where `text` is anything else."""
    match = _SESSION.fullmatch(text)
    return SessionToken(match[1], match[2]) if match else None


def new_sign_in_token() -> str:
    """Make the token of a one-time link: 256 random bits."""
    return secrets.token_urlsafe(32)


def session_secret(sign_in_token: str, attempt: str) -> str:
    """Return the secret of the session that one attempt to spend a link opens.

    It follows from the link and the attempt's own random key, so that a repeated attempt is
    answered alike although neither of the three is kept.
    """
    message = b"andan.session\0" + attempt.encode("utf-8")
    digest = hmac.digest(sign_in_token.encode("ascii"), message, "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def hash_attempt(attempt: str) -> str:
    """Return what is kept of the key of an attempt: its SHA-256, in hex."""
    return hashlib.sha256(attempt.encode("utf-8")).hexdigest()
