"""Words as they lie in the box: text and the receipt's hash, sealed, all of one size."""

import json
from dataclasses import dataclass
from typing import Final

from services.surveys.box import BallotBoxes

SIZE: Final = 16_640
"""Bytes that all words take: 4,000 characters of any script, and what stands around them."""


@dataclass(frozen=True, slots=True)
class BoxedWords:
    """What somebody wrote, and the hash of its receipt code where it may be quoted."""

    text: str
    code_hash: str | None


def boxed(boxes: BallotBoxes, box: str, words: BoxedWords) -> bytes:
    """Return the words sealed, looking like any others."""
    content = json.dumps([words.text, words.code_hash], ensure_ascii=False).encode()
    return boxes.seal(box, content, SIZE)


def unboxed(boxes: BallotBoxes, box: str, sealed: bytes) -> BoxedWords:
    """Return the words that were sealed; raises BoxDestroyed."""
    text, code_hash = json.loads(boxes.open(box, sealed))
    return BoxedWords(text, code_hash)
