"""The release gate: nothing under five can be derived from what it lets out, also by who knows it.

Whoever reads a release knows the gate's rule, so the test is: of all histograms with that very
release, no two or more agree on the number of any rating under five.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.surveys.rules.release import MEAN_FROM, RATINGS, Release, mean_tenths, release
from tests.conftest import Rounds

Histogram = tuple[int, ...]


def every_histogram(answers: int) -> Iterator[Histogram]:
    """Yield every way in which so many can answer."""
    for bars in combinations(range(answers + 4), 4):
        edges = (-1, *bars, answers + 4)
        yield tuple(edges[at + 1] - edges[at] - 1 for at in range(5))


def told(alike: Iterable[Histogram]) -> list[int]:
    """Return the ratings whose number is under five and the same in all these histograms."""
    columns = [set(column) for column in zip(*alike, strict=True)]
    return [
        rating
        for rating, numbers in zip(RATINGS, columns, strict=True)
        if len(numbers) == 1 and min(numbers) < 5
    ]


def by_release(answers: Iterable[int]) -> dict[Release, list[Histogram]]:
    """Return all histograms of these numbers of answers, by what is said of them."""
    found: dict[Release, list[Histogram]] = defaultdict(list)
    for number in answers:
        for histogram in every_histogram(number):
            found[release(histogram)].append(histogram)
    return found


def likely(seed: int, answers: int) -> Histogram:
    """Return a histogram of one of the shapes that evaluations have."""
    chance = random.Random(seed)
    weights = chance.choice(
        [(1, 1, 1, 1, 1), (1, 2, 6, 30, 60), (0, 0, 1, 10, 90), (60, 20, 5, 1, 0), (5, 0, 0, 0, 5)]
    )
    given = chance.choices(list(RATINGS), weights, k=answers)
    return tuple(given.count(rating) for rating in RATINGS)


def near(histogram: Sequence[int], most: int) -> Iterator[Histogram]:
    """Yield histograms that one, two or three answers changed, nearest first."""
    frontier, seen = [tuple(histogram)], {tuple(histogram)}
    while frontier and len(seen) < most:
        current = frontier.pop(0)
        for a in range(5):
            for b in range(5):
                if a != b and current[a]:
                    moved = list(current)
                    moved[a] -= 1
                    moved[b] += 1
                    if (other := tuple(moved)) not in seen:
                        seen.add(other)
                        frontier.append(other)
                        yield other


def test_under_five_nothing_is_told() -> None:
    """Neither number, mean, bound nor bar."""
    assert by_release(range(5)).keys() == {Release("too-few")}


@pytest.mark.parametrize("attended", [5, 6, 9])
def test_bands(attended: int) -> None:
    """From five to nine a band holds the mean, and tells no number, however few may have come."""
    for said, alike in by_release(range(5, attended + 1)).items():
        assert (said.rule, said.answered, said.mean, said.bars) == ("band", None, None, ())
        assert said.at_least is not None
        assert said.at_most is not None
        for histogram in alike:
            total = sum(r * count for r, count in zip(RATINGS, histogram, strict=True))
            assert float(said.at_least) <= total / sum(histogram) <= float(said.at_most)
        assert told(alike) == []


@pytest.mark.campaign
def test_small_numbers_as_a_whole(rounds: Rounds) -> None:
    """From ten on: every histogram there is, and nothing under five is told by its release."""
    for answers in range(MEAN_FROM, rounds(sample=18, whole=45)):
        for said, alike in by_release([answers]).items():
            assert said.answered == answers
            assert told(alike) == [], (said, alike[:5])


@pytest.mark.campaign
@given(st.integers(0, 2**32), st.integers(MEAN_FROM, 400))
def test_large_numbers_by_example(seed: int, answers: int) -> None:
    """Each number under five could be another one: a neighbour with the same release has it."""
    histogram = likely(seed, answers)
    said = release(histogram)
    still = {at for at, count in enumerate(histogram) if count < 5}
    for other in near(histogram, 20_000):
        if not still:
            break
        if release(other) == said:
            still = {at for at in still if other[at] == histogram[at]}
    assert not still, (histogram, said, still)


@given(st.integers(0, 2**32), st.integers(MEAN_FROM, 2_000))
def test_what_is_told_is_true(seed: int, answers: int) -> None:
    """Mean, bound and bars are those of the answers; bars hold five or more and all answers."""
    histogram = likely(seed, answers)
    said = release(histogram)
    total = sum(r * count for r, count in zip(RATINGS, histogram, strict=True))
    tenths = mean_tenths(answers, total)
    if said.rule == "mean":
        assert said.mean == f"{tenths / 10:.1f}"
    elif said.at_least is not None:
        assert tenths / 10 >= float(said.at_least)
    else:
        assert tenths / 10 <= float(said.at_most or "")
    assert all(bar.answers >= 5 for bar in said.bars)
    assert not said.bars or sum(bar.answers for bar in said.bars) == answers
    assert all(bar.answers == sum(histogram[bar.lowest - 1 : bar.highest]) for bar in said.bars)


@pytest.mark.parametrize(
    ("histogram", "at_least", "at_most"),
    [
        ((0, 0, 0, 0, 80), "4.8", None),
        ((0, 0, 0, 10, 70), "4.8", None),
        ((50, 0, 0, 0, 0), None, "1.2"),
        ((0, 0, 0, 0, 10), "4.6", None),
        ((0, 0, 0, 4, 6), "4.6", None),
    ],
)
def test_what_everybody_said(
    histogram: Histogram, at_least: str | None, at_most: str | None
) -> None:
    """Where the mean would tell it only its bound is told, further in the fewer there are."""
    said = release(histogram)
    assert said == Release("bound", sum(histogram), at_least=at_least, at_most=at_most)


@pytest.mark.parametrize(
    ("total", "mean"), [(80, "4.0"), (91, "4.6"), (85, "4.3"), (81, "4.1"), (79, "4.0")]
)
def test_half_up(total: int, mean: str) -> None:
    """Of twenty answers, 4.05 is told as 4.1 and 3.95 as 4.0."""
    assert release(_with_total(total)).mean == mean


def _with_total(total: int) -> Histogram:
    low, more = divmod(total, 20)
    counts = [0] * 5
    counts[low - 1], counts[low] = 20 - more, more
    return tuple(counts)


def pooled(*said: Release) -> tuple[str, str] | None:
    """Return the figures of a year, of its released means alone: their mean, and the pooled one."""
    means = [(each.answered, int(each.mean.replace(".", ""))) for each in said if each.mean]
    if not means:
        return None
    of_means = (2 * sum(tenths for _, tenths in means) + len(means)) // (2 * len(means))
    people = sum(number or 0 for number, _ in means)
    weighted = sum((number or 0) * tenths for number, tenths in means)
    return f"{of_means / 10}", f"{(2 * weighted + people) // (2 * people) / 10}"


def test_two_results_and_the_figures_of_their_year() -> None:
    """Of all pairs that look alike, pooled mean and mean of means included, none tells more."""
    small = by_release([4, 6, MEAN_FROM])
    for one in small:
        if one.rule == "too-few":
            continue
        for other in small:
            figures = pooled(one, other)
            pairs = [
                histogram
                for said, alike in small.items()
                if said == one and pooled(said, other) == figures
                for histogram in alike
            ]
            assert told(pairs) == []


def test_a_year_less_what_is_published_is_nothing() -> None:
    """The figures of a year with a survey that released no mean are those without it."""
    shown = release((0, 2, 3, 3, 2))
    for answers in (0, 4, 7, 9):
        for histogram in every_histogram(answers):
            assert pooled(shown, release(histogram)) == pooled(shown)
