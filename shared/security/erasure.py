"""Names what is erased for ever, by a keyed hash from which nobody else learns what it was."""

import hmac
from typing import Final, Literal

Kind = Literal["registration", "booking"]
"""What can be erased: who a registration is, or whom to tell about a booking."""

REGISTRATION: Final = "registration"
BOOKING: Final = "booking"


class ErasureKey:
    """The installation's key of erasures: never rotated, since the topics are kept for ever."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("the key of erasures has 32 bytes or more")
        self._secret = secret

    def of(self, kind: Kind, id: str) -> str:  # noqa: A002 -- the domain's word
        """Return the name of the erasure of a registration, or of a booking's contact."""
        return hmac.digest(self._secret, f"{kind}:{id}".encode(), "sha256").hex()
