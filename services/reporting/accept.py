"""What a caller likes best: the type and the language of an answer, by its headers."""

from collections.abc import Sequence
from typing import Literal

from shared.problem import Problem

Language = Literal["sv", "en"]
LANGUAGES: tuple[Language, ...] = ("sv", "en")


class NotAcceptable(Problem):
    """None of the types asked for can be answered

    Figures are there as application/json and text/csv, the report also as application/pdf.
    """


def best_type(accept: Sequence[str], offered: Sequence[str]) -> str:
    """Return the type that the caller likes best; where all are alike, the first offered.

    Raises NotAcceptable where none of them is liked.
    """
    ranges = _weighed(accept)
    if not ranges:
        return offered[0]
    qualities = {each: _quality_of(each, ranges) for each in offered}
    best = max(offered, key=lambda each: qualities[each])
    if not qualities[best]:
        raise NotAcceptable(f"Ask for {' or '.join(sorted(offered))}.", offered=list(offered))
    return best


def best_language(accept: Sequence[str]) -> Language:
    """Return the language that the caller likes best; Swedish where none is liked."""
    ranges = _weighed(accept)
    qualities = {
        each: max(
            (quality for name, quality in ranges.items() if name.partition("-")[0] in (each, "*")),
            default=0.0,
        )
        for each in LANGUAGES
    }
    return max(LANGUAGES, key=lambda each: qualities[each])


def _quality_of(offered: str, ranges: dict[str, float]) -> float:
    names = (offered, f"{offered.partition('/')[0]}/*", "*/*")
    return next((ranges[name] for name in names if name in ranges), 0.0)


def _weighed(headers: Sequence[str]) -> dict[str, float]:
    """Return each name of a header with its quality."""
    ranges: dict[str, float] = {}
    for part in ",".join(headers).split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        if name:
            ranges[name] = _quality(quality)
    return ranges


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
