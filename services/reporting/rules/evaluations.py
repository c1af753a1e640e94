"""Evaluations: what was released of each survey, told on unchanged, and the means of the year.

Every number here is one that the release gate of surveys let out; nothing is known beside it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from services.reporting.rules.facts import Fact

TOO_FEW = "too-few"
MEAN = "mean"
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Bar:
    """How many answers gave a rating from `lowest` to `highest`."""

    lowest: int
    highest: int
    answers: int


@dataclass(frozen=True, slots=True)
class Released:
    """What may be said of one survey, the fact that says it, and the one that it replaced."""

    fact: Fact
    before: Fact | None

    @property
    def rule(self) -> str:
        """What the number of answers allowed to be said: too-few, band, bound or mean."""
        return str(self.fact.data["rule"])

    @property
    def attended(self) -> int:
        """How many came."""
        return int(self.fact.data["attended"])

    @property
    def answered(self) -> int | None:
        """How many answered, where that may be told."""
        answered: int | None = self.fact.data["answered"]
        return answered

    @property
    def mean(self) -> str | None:
        """The mean rating, where it may be told."""
        return _mean(self.fact)

    @property
    def bounds(self) -> tuple[str | None, str | None]:
        """What the mean is not below and not above, where that is what may be told."""
        return self.fact.data["at_least"], self.fact.data["at_most"]

    @property
    def bars(self) -> tuple[Bar, ...]:
        """Answers by rating, from low to high."""
        return tuple(Bar(**bar) for bar in self.fact.data["bars"])

    @property
    def value(self) -> str | None:
        """The mean, or an object of its bounds; None where neither may be told."""
        return _value(self.fact)

    @property
    def valued_by(self) -> list[Fact]:
        """The fact that gives, or took away, a value."""
        return [self.fact] if self.value or (self.before and _value(self.before)) else []

    @property
    def meant_by(self) -> list[Fact]:
        """The fact that gives, or took away, a mean."""
        return [self.fact] if self.mean or (self.before and _mean(self.before)) else []


def released(facts: Sequence[Fact]) -> Released:
    """Return what the facts of one event's evaluation release, the one that holds first."""
    return Released(facts[0], facts[1] if len(facts) > 1 else None)


def mean_of_means(all_released: Iterable[Released]) -> str | None:
    """Return the mean of the released means, each alike; None where there is none."""
    means = [Decimal(each.mean) for each in all_released if each.mean]
    return _rounded(sum(means, Decimal()) / len(means)) if means else None


def pooled_mean(all_released: Iterable[Released]) -> str | None:
    """Return the mean of the released means, each weighted by its answers; None without any."""
    meant = [(Decimal(each.mean), each.answered) for each in all_released if each.mean]
    answers = sum(answered or 0 for _, answered in meant)
    total = sum((mean * (answered or 0) for mean, answered in meant), Decimal())
    return _rounded(total / answers) if answers else None


def _rounded(mean: Decimal) -> str:
    return str(mean.quantize(_TENTH, ROUND_HALF_UP))


def _mean(fact: Fact) -> str | None:
    mean: str | None = fact.data["mean"] if fact.data["rule"] == MEAN else None
    return mean


def _value(fact: Fact) -> str | None:
    if fact.data["rule"] == TOO_FEW:
        return None
    if mean := _mean(fact):
        return mean
    bounds = {bound: fact.data[bound] for bound in ("at_least", "at_most") if fact.data[bound]}
    return json.dumps(bounds, separators=(",", ":")) if bounds else None
