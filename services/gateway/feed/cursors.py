"""Cursors of the feed: a place in it, and the epoch of the store that numbered the places."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

from shared.problem import Problem

_FORM: Final = re.compile(r"[A-Za-z0-9_-]{19}")
_EPOCH_BYTES: Final = 6
_LARGEST: Final = 2**63 - 1


class FeedBeganAnew(Problem):
    """The feed has begun anew since this cursor was given.

    Places have other numbers now. Ask with an empty `after` to begin at the beginning, and pass
    over the messages whose ids you have seen.
    """


class NotACursor(ValueError):
    """This text is no cursor of any feed"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the feed: after the message at `position`."""

    epoch: str
    position: int

    def __str__(self) -> str:
        """Return it as the opaque text that clients keep."""
        raw = bytes.fromhex(self.epoch) + self.position.to_bytes(8, "big")
        return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def parse_cursor(text: str) -> Cursor:
    """Return the cursor that a client kept; raises NotACursor."""
    if not _FORM.fullmatch(text):
        raise NotACursor(text[:50])
    raw = urlsafe_b64decode(text + "=")
    position = int.from_bytes(raw[_EPOCH_BYTES:], "big")
    if position > _LARGEST:
        raise NotACursor(text)
    return Cursor(raw[:_EPOCH_BYTES].hex(), position)
