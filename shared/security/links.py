"""Makes and reads the tokens in links that only a participant's mail carries."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from itsdangerous import BadSignature, Signer

PREFIX: Final = "link_"
MAX_CHARACTERS: Final = 256
_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,100}")
_PURPOSE: Final = re.compile(r"[a-z][a-z-]{0,40}")


def claimed_id(token: str) -> str | None:
    """Return the id that a token says it is for, unproven; None for what is no token.

    Only to ask whoever reads tokens for that very thing, with the token.
    """
    found = _ID.fullmatch(token.removeprefix(PREFIX).rpartition(".")[0])
    is_one = token.startswith(PREFIX) and len(token) <= MAX_CHARACTERS and token.isascii()
    return found[0] if found and is_one else None


class BadLink(Exception):
    """A link's token is not one of ours, or was made for another purpose."""


class Links:
    """Signs the id of one thing for one purpose, always with the same result.

    A token holds no time: whether a link still works is a matter of what it points to. The
    first secret signs, all of them verify.
    """

    def __init__(self, *secrets: bytes) -> None:
        if not secrets or any(len(secret) < 32 for secret in secrets):
            raise ValueError("links need at least one secret of 32 bytes or more")
        self._secrets = list(reversed(secrets))  # itsdangerous signs with the last
        self._signers: dict[str, Signer] = {}

    def make(self, purpose: str, id: str) -> str:  # noqa: A002 -- the domain's word
        """Return the token by which its holder may do `purpose` with the thing `id`."""
        if not _ID.fullmatch(id):
            raise ValueError("an id in a link is 1 to 100 letters, digits, - or _")
        return PREFIX + self._signer(purpose).sign(id).decode("ascii")

    def read(self, purpose: str, token: str) -> str:
        """Return the id that `token` was made for.

        Raises BadLink for anything else, before looking at more than 256 characters.
        """
        if len(token) > MAX_CHARACTERS or not token.isascii() or not token.startswith(PREFIX):
            raise BadLink("this is not a link of ours")
        try:
            return self._signer(purpose).unsign(token.removeprefix(PREFIX)).decode("ascii")
        except BadSignature:
            raise BadLink("this is not a link of ours") from None

    def _signer(self, purpose: str) -> Signer:
        if purpose not in self._signers:
            if not _PURPOSE.fullmatch(purpose):
                raise ValueError("a purpose is a word of small letters and hyphens")
            self._signers[purpose] = Signer(
                self._secrets,
                salt=f"andan.link.{purpose}",
                key_derivation="hmac",
                digest_method=hashlib.sha256,
            )
        return self._signers[purpose]
