"""Quotes: what to look at before one is approved, and what counts as a cut."""

import re
from typing import Final

from services.surveys.rules.problems import Reworded, TooLongToQuote

CUT: Final = "[…]"
LONGEST: Final = 2_000

_ADDRESS: Final = re.compile(r"\S@\S|https?://|www\.|\b[\w-]+\.(?:se|com|org|net|nu|eu)\b", re.I)
_MANY_DIGITS: Final = re.compile(r"(?:\d[\s()/.-]*){6,}")
_WORD: Final = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_SENTENCE_ENDS: Final = frozenset('.!?…:\n"”»-–•')


def flags(text: str) -> list[str]:
    """Return what a reader should look at: it may say who wrote it, or name somebody."""
    found = []
    if _has_name(text):
        found.append("contains-name-like")
    if any(character.isdigit() for character in text):
        found.append("contains-number")
    if _MANY_DIGITS.search(text):
        found.append("contains-phone-number")
    if _ADDRESS.search(text):
        found.append("contains-address")
    return found


def cut(original: str, wanted: str) -> str:
    """Return `wanted` where it is `original` with nothing but cuts, each shown as […].

    Raises Reworded where a word is changed, added, split or moved, or a cut is not shown;
    TooLongToQuote where it is longer than a quote may be.
    """
    if wanted != original and not _is_cut(original, wanted):
        raise Reworded("It is not the words with cuts.")
    if len(wanted) > LONGEST:
        raise TooLongToQuote(f"It has {len(wanted)} characters.")
    return wanted


def _is_cut(original: str, wanted: str) -> bool:
    first, *rest = wanted.split(CUT)
    pieces = [first.rstrip(), *(piece.strip() for piece in rest)]
    if not rest or not any(pieces):
        return False
    pieces[-1] = rest[-1].lstrip()
    if not original.startswith(pieces[0]) or not _between_words(original, len(pieces[0])):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        at = _after(original, piece, at)
        if at < 0:
            return False
    start = len(original) - len(pieces[-1])
    return (
        original.endswith(pieces[-1])
        and bool(original[at:start].strip())
        and _between_words(original, start)
    )


def _after(original: str, piece: str, at: int) -> int:
    """Return where the first `piece` of whole words after something left out ends, or -1."""
    start = original.find(piece, at + 1)
    while piece and start >= 0:
        end = start + len(piece)
        is_whole = _between_words(original, start) and _between_words(original, end)
        if is_whole and original[at:start].strip():
            return end
        start = original.find(piece, start + 1)
    return -1


def _between_words(text: str, at: int) -> bool:
    return not (0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum())


def _has_name(text: str) -> bool:
    """Say whether a word within a sentence begins with a capital."""
    for found in _WORD.finditer(text):
        before = text[: found.start()].rstrip(" \t(“")
        inside = bool(before) and before[-1] not in _SENTENCE_ENDS
        if inside and found.group()[0].isupper() and found.group() != "I":
            return True
    return False
