"""The release gate: the one way by which a number leaves an evaluation.

Under five answers nothing is told; from five to nine a band that the mean lies in; from ten on the
number of answers, the mean to one decimal, and bars of five answers or more. Where the mean would
tell what (nearly) everybody said, only its bound is told. Bars are left out where number, mean and
bars together would tell how many gave a rating that under five gave; and because whoever reads
may know this rule, those histograms are compared for which the rule says exactly the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, product
from typing import Final, Literal

Rule = Literal["too-few", "band", "bound", "mean"]

RATINGS: Final = range(1, 6)
FEWEST: Final = 5
"""Answers under which nothing is told, and the fewest in a bar."""
MEAN_FROM: Final = 10
"""Answers from which a mean is told."""
BANDS: Final = (10, 20, 25, 30, 35, 40, 50)
"""Edges of the bands in tenths: half a step each, the ends merged."""
HIGH, LOW = 48, 12
"""Tenths from which on the mean tells what everybody said."""
BARS_FROM: Final = 20
"""Tenths from which on bars are told: below, that there are none would tell that no one gave 5."""


@dataclass(frozen=True, slots=True)
class Bar:
    """How many answers gave one of the ratings from `lowest` to `highest`."""

    lowest: int
    highest: int
    answers: int


@dataclass(frozen=True, slots=True)
class Release:
    """What may be said; None where it may not. Means are text with one decimal."""

    rule: Rule
    answered: int | None = None
    mean: str | None = None
    at_least: str | None = None
    at_most: str | None = None
    bars: tuple[Bar, ...] = ()


def release(histogram: Sequence[int]) -> Release:
    """Return what may be said of the answers: `histogram` counts the ratings 1 to 5."""
    answered, total = sum(histogram), _total(histogram)
    if answered < FEWEST:
        return Release("too-few")
    if answered < MEAN_FROM:
        low, high = _band(answered, total)
        return Release("band", at_least=_text(low), at_most=_text(high))
    tenths = mean_tenths(answered, total)
    lowest, highest = _bounds(answered)
    if tenths >= highest:
        return Release("bound", answered, at_least=_text(highest))
    if tenths <= lowest:
        return Release("bound", answered, at_most=_text(lowest))
    return Release("mean", answered, _text(tenths), bars=_bars(histogram, tenths))


def mean_tenths(answered: int, total: int) -> int:
    """Return the mean in tenths, half up."""
    return (20 * total + answered) // (2 * answered)


def _total(histogram: Sequence[int]) -> int:
    return sum(rating * count for rating, count in zip(RATINGS, histogram, strict=True))


def _text(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}"


def _band(answered: int, total: int) -> tuple[int, int]:
    for low, high in pairwise(BANDS):
        if 10 * total < high * answered:
            return low, high
    return BANDS[-2], BANDS[-1]


def _bounds(answered: int) -> tuple[int, int]:
    """Return the tenths at which only a bound is told: the fewer answers, the further in.

    A bound leaves it open whether one person gave the rating at the other end.
    """
    span = RATINGS[-1] - RATINGS[0]
    high = HIGH
    while RATINGS[-1] * answered - _totals(answered, high)[0] < span:
        high -= 1
    low = LOW
    while _totals(answered, low)[1] - RATINGS[0] * answered < span:
        low += 1
    return low, high


def _totals(answered: int, tenths: int) -> tuple[int, int]:
    """Return the lowest and the highest total whose mean is told as `tenths`."""
    lowest = -((answered - 2 * answered * tenths) // 20)
    highest = -((answered - 2 * answered * (tenths + 1)) // 20) - 1
    return lowest, highest


def _bars(histogram: Sequence[int], tenths: int) -> tuple[Bar, ...]:
    """Return the bars, or none where they, number and mean would tell a number under five."""
    bars = _merged(histogram)
    if tenths < BARS_FROM or len(bars) < 2:
        return ()
    alike = _alike(bars, _totals(sum(histogram), tenths))
    first = next(alike)
    still = {at for at, count in enumerate(first) if count < FEWEST}
    for other in alike:
        still = {at for at in still if other[at] == first[at]}
        if not still:
            return bars
    return () if still else bars


def _merged(histogram: Sequence[int]) -> tuple[Bar, ...]:
    """Merge each rating with the next until five answers are together; the rest joins the last."""
    bars: list[Bar] = []
    lowest, answers = RATINGS[0], 0
    for rating, count in zip(RATINGS, histogram, strict=True):
        answers += count
        if answers >= FEWEST:
            bars.append(Bar(lowest, rating, answers))
            lowest, answers = rating + 1, 0
    last = bars.pop()
    return (*bars, Bar(last.lowest, RATINGS[-1], last.answers + answers))


def _alike(bars: Sequence[Bar], totals: tuple[int, int]) -> Iterator[tuple[int, ...]]:
    """Yield every histogram that is merged into these bars and has a total within `totals`.

    There are few, whatever the number of answers: under five lie before a bar's last rating.
    """
    low, high = totals
    ways = [_first_ways(bar) for bar in bars[:-1]]
    for parts in product(*ways, _last_ways(bars[-1])):
        histogram = tuple(chain.from_iterable(parts))
        if low <= _total(histogram) <= high:
            yield histogram


def _first_ways(bar: Bar) -> list[tuple[int, ...]]:
    """Return how the answers can lie in a bar that was closed by its last rating."""
    return [
        (*before, bar.answers - sum(before)) for before in _under_five(bar.highest - bar.lowest)
    ]


def _last_ways(bar: Bar) -> list[tuple[int, ...]]:
    """Return how the answers can lie in the last bar: closed by one rating, then joined."""
    width = bar.highest - bar.lowest + 1
    return [
        (*before, at, *after)
        for closing in range(width)
        for before in _under_five(closing)
        for after in _under_five(width - closing - 1)
        if sum(before) + (at := bar.answers - sum(before) - sum(after)) >= FEWEST and at > 0
    ]


def _under_five(ratings: int) -> list[tuple[int, ...]]:
    """Return the ways in which fewer than five answers lie in so many ratings."""
    return [way for way in product(range(FEWEST), repeat=ratings) if sum(way) < FEWEST]
