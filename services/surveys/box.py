"""The ballot box: what was answered while a survey is open, sealed with a key that no store holds.

A store's log (SQLite's WAL, PostgreSQL's WAL and dead rows) and its copies hold every earlier
state: a readable tally, or readable words, would tell answer after answer in the order they came,
and whoever knows who answered when would know who answered what. So both are sealed, all contents
of one kind alike in size, and the key is destroyed with the close.

What remains: who takes the key and the store while the survey is open (the operator of the
machine, watching live) can read the tally after each answer. What the stored bytes do tell is how
many have answered and written so far, and which ballots, whose hashes belong to no name.
"""

import json
from dataclasses import dataclass
from typing import Final

from shared.security.keyring import BoxKeyDestroyed, Keyring
from shared.security.locking import Locker, Unreadable

WORDS_SIZE: Final = 16_640
"""Bytes that all words take: 4,000 characters of any script, and what stands around them."""
_LENGTH_BYTES: Final = 4
_COUNT_BYTES: Final = 4


class BoxDestroyed(Exception):
    """The key that this was sealed with is gone: the box was opened and destroyed before."""


@dataclass(frozen=True, slots=True)
class BoxedWords:
    """What somebody wrote, and the hash of its receipt code where it may be quoted."""

    text: str
    code_hash: str | None


@dataclass(frozen=True, slots=True)
class BallotBoxes:
    """Seals and opens what lies in the boxes; a box is named by its event."""

    keyring: Keyring

    def seal(self, box: str, content: bytes, size: int) -> bytes:
        """Return `content` sealed, padded so that everything of its `size` looks alike.

        The box's key is made with the first thing put into it. Raises BoxDestroyed.
        """
        if len(content) > size:
            raise ValueError(f"a content of {size} bytes at most")
        padded = len(content).to_bytes(_LENGTH_BYTES, "big") + content.ljust(size, b"\0")
        return self._locker(box).lock(padded, box)

    def open(self, box: str, sealed: bytes) -> bytes:
        """Return what was sealed; raises BoxDestroyed."""
        try:
            padded = self._locker(box).unlock(sealed, box)
        except Unreadable:
            raise BoxDestroyed("it was sealed with another key") from None
        length = int.from_bytes(padded[:_LENGTH_BYTES], "big")
        return padded[_LENGTH_BYTES : _LENGTH_BYTES + length]

    def seal_tally(self, box: str, histogram: list[int]) -> bytes:
        """Return a histogram, sealed."""
        content = b"".join(count.to_bytes(_COUNT_BYTES, "big") for count in histogram)
        return self.seal(box, content, len(content))

    def open_tally(self, box: str, sealed: bytes) -> list[int]:
        """Return the histogram that was sealed; raises BoxDestroyed."""
        content = self.open(box, sealed)
        steps = range(0, len(content), _COUNT_BYTES)
        return [int.from_bytes(content[at : at + _COUNT_BYTES], "big") for at in steps]

    def seal_words(self, box: str, words: BoxedWords) -> bytes:
        """Return words sealed, looking like any others."""
        content = json.dumps([words.text, words.code_hash], ensure_ascii=False).encode()
        return self.seal(box, content, WORDS_SIZE)

    def open_words(self, box: str, sealed: bytes) -> BoxedWords:
        """Return the words that were sealed; raises BoxDestroyed."""
        return BoxedWords(*json.loads(self.open(box, sealed)))

    def destroy(self, box: str) -> None:
        """Destroy the key of a box: nothing that was sealed can be read again by anybody."""
        self.keyring.destroy_box_key(box)

    def _locker(self, box: str) -> Locker:
        try:
            return Locker(self.keyring.box_key(box))
        except BoxKeyDestroyed as error:
            raise BoxDestroyed(str(error)) from None
