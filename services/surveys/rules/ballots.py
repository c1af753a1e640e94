"""Ballots: a secret, the two ballots made of it, and the two hashes that the store keeps.

The ballot for the rating and the one for the words have nothing in common for whoever does not
hold the secret, which surveys forgets as soon as it is sealed.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final, Literal

from services.surveys.rules.problems import BallotUnknown

Purpose = Literal["rating", "words"]
SECRET_BYTES: Final = 32
_ENCODED: Final = 43
_NO_SALT: Final = bytes(32)
_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def new_secret() -> str:
    """Return a new secret, as it stands in a link: base64url without padding."""
    return _encode(secrets.token_bytes(SECRET_BYTES))


def derived(secret: str, purpose: Purpose) -> str:
    """Return the ballot for one purpose: HKDF-SHA256 (RFC 5869) without salt, 32 bytes."""
    extracted = hmac.digest(_NO_SALT, _decode(secret), "sha256")
    return _encode(hmac.digest(extracted, purpose.encode() + b"\x01", "sha256"))


def ballot_hash(ballot: str) -> str:
    """Return what the store keeps of a derived ballot."""
    return sha256(_decode(ballot)).hexdigest()


def hashes_of(given: str, purpose: Purpose, survey_id: str) -> tuple[str, str]:
    """Return the hashes that a ballot as it was sent may have.

    It may be the whole token of a link, its secret, or the ballot derived from that. Raises
    BallotUnknown for what is none, and for the token of another survey.
    """
    survey, dot, secret = given.rpartition(".")
    if dot and survey != survey_id:
        raise BallotUnknown("It belongs to another survey.")
    if len(secret) != _ENCODED or not _ALPHABET.issuperset(secret):
        raise BallotUnknown("It was not copied as a whole.")
    return ballot_hash(derived(secret, purpose)), ballot_hash(secret)


def new_code() -> str:
    """Return a new receipt code, by which a quote can be taken back."""
    return secrets.token_urlsafe(16)


def code_hash(code: str, place: Literal["box", "shelf"]) -> str:
    """Return the hash of a receipt code, another in the box than after it.

    Two copies of the store, one of each time, must not have it in common.
    """
    return sha256(f"{place}:{code}".encode()).hexdigest()


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
