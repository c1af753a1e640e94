"""Each checker of effects finds what it is for, and nothing where all is well."""

from collections import Counter

import pytest

from tests.failures.effects import (
    letters_as_taken,
    parked_as_told,
    quotes_as_told,
    same_effects,
    told_once,
)
from tests.failures.letters import Ended

BOXES = ["a", "b", "c"]
EXPECTED = {"b": ("refused",), "c": ("in-doubt",)}
WELL = [Ended("a", "sent", None), Ended("b", "failed", "refused"), Ended("c", "failed", "in-doubt")]


def words(lines: list[str]) -> list[str]:
    """Return the first word of each line."""
    return [line.partition(":")[0] for line in lines]


@pytest.mark.parametrize("in_doubt", [0, 1])
def test_letters_that_are_as_the_server_has_them(in_doubt: int) -> None:
    """One that is in doubt may lie there or not."""
    assert letters_as_taken(BOXES, WELL, {"a": 1, "c": in_doubt}, EXPECTED) == []


@pytest.mark.parametrize(
    ("ended", "taken", "found"),
    [
        (WELL, {"a": 2}, ["doubled"]),
        (WELL, {"a": 1, "c": 2}, ["doubled"]),
        (WELL, {}, ["lost"]),
        (WELL, {"a": 1, "b": 1}, ["hidden"]),
        (WELL[1:], {"a": 1}, ["deliveries"]),
        ([*WELL, WELL[0]], {"a": 1}, ["deliveries"]),
        ([Ended("a", "failed", "in-doubt"), *WELL[1:]], {"a": 1}, ["outcome"]),
        ([Ended("a", "queued", None), *WELL[1:]], {}, ["outcome"]),
        ([*WELL[:2], Ended("c", "sent", None)], {"a": 1, "c": 1}, ["outcome"]),
    ],
)
def test_letters_that_are_not(ended: list[Ended], taken: dict[str, int], found: list[str]) -> None:
    """Two mails, none, one that is denied, two deliveries, another end than the server's."""
    assert words(letters_as_taken(BOXES, ended, taken, EXPECTED)) == found


def test_what_was_parked() -> None:
    """What must be parked is, what may be may, each with a reason, and all are counted."""
    expected = {"a": True, "b": None}
    assert parked_as_told("c", expected, {"a": "why"}, 1) == []
    assert parked_as_told("c", expected, {"a": "why", "b": "so"}, 2) == []
    assert words(parked_as_told("c", expected, {}, 0)) == ["lost"]
    assert words(parked_as_told("c", expected, {"a": "why", "x": "so"}, 2)) == ["parked"]
    assert words(parked_as_told("c", expected, {"a": " "}, 1)) == ["unsaid"]
    assert words(parked_as_told("c", expected, {"a": "why"}, 2)) == ["uncounted"]


def test_quotes() -> None:
    """A withdrawn one that is still shown, and a standing one that is not."""
    assert quotes_as_told(["a", "b"], ["b", "a"]) == []
    assert words(quotes_as_told(["a", "b"], ["b", "c"])) == ["withdrawn", "lost"]


def test_what_was_told() -> None:
    """A message may lie there twice; two messages of one thing, none, or one of nothing may not."""
    assert told_once(["a"], [("a", "1"), ("a", "1")]) == []
    assert words(told_once(["a", "b"], [("a", "1"), ("a", "2"), ("c", "3")])) == [
        "untold",
        "causeless",
        "told twice",
    ]


def test_effects_that_differ() -> None:
    """One that is missing, and one that came twice."""
    once = Counter({"a": 1, "b": 1})
    assert same_effects(once, Counter(once)) == []
    assert words(same_effects(once, Counter({"b": 2}))) == ["missing", "too much"]
