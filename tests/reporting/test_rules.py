"""Reporting's rules: what is withheld, how a mean is rounded, what the table of figures says."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.rules import FIGURES, HEARD, WITHHELD, Released, fact_of, withhold
from services.reporting.rules.evaluations import mean_of_means, pooled_mean
from services.reporting.rules.year import monthly_mean
from shared.contracts.envelope import Envelope
from shared.contracts.every import CONTRACTS
from shared.contracts.message import decode
from tests.reporting.logs import invented
from tests.reporting.projection import envelope
from tests.reporting.said import STARTS, released

CELLS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 12))
UNSTATED = st.integers(0, 9)


@pytest.mark.parametrize(
    ("cells", "unstated", "published"),
    [
        ({}, 0, {}),
        ({"a": 5, "b": 80}, 0, {"a": 5, "b": 80}),
        ({"a": 5, "b": 80}, 5, {"a": 5, "b": 80}),
        ({"a": 5, "b": 80}, 4, {"a": WITHHELD, "b": 80}),
        ({"a": 0, "b": 80}, 0, {"a": 0, "b": 80}),
        ({"a": 3, "b": 9, "c": 80}, 0, {"a": "<5", "b": WITHHELD, "c": 80}),
        ({"a": 3, "b": 9, "c": 80}, 9, {"a": "<5", "b": 9, "c": 80}),
        ({"a": 3, "b": 2, "c": 80}, 0, {"a": "<5", "b": "<5", "c": 80}),
        ({"a": 1, "b": 2, "c": 80}, 0, {"a": "<5", "b": "<5", "c": WITHHELD}),
        ({"a": 4, "b": 4, "c": 80}, 0, {"a": "<5", "b": "<5", "c": WITHHELD}),
        ({"a": 1, "b": 5, "c": 6}, 0, {"a": "<5", "b": WITHHELD, "c": WITHHELD}),
        ({"a": 3}, 0, {}),
        ({"a": 1, "b": 1}, 0, {}),
    ],
)
def test_what_is_withheld(
    cells: dict[str, int], unstated: int, published: dict[str, int | str]
) -> None:
    """A cell under five is hidden, with as many others as keep it from being worked out."""
    assert withhold(cells, unstated) == published


@given(cells=CELLS, unstated=UNSTATED)
def test_no_hidden_cell_can_be_worked_out(cells: dict[str, int], unstated: int) -> None:
    """Whoever knows the total, and tries every table that fits, finds two numbers for each.

    Those who stated no sector are a cell too: what is left when the others are subtracted.
    """
    published = withhold(cells, unstated)
    shown = {key: value for key, value in published.items() if isinstance(value, int)}
    hidden = [key for key in published if key not in shown]
    assert all(cells[key] == value for key, value in shown.items())
    assert not published or all(shown.get(key, 0) not in range(1, 5) for key in cells)
    rest = sum(cells.values()) + unstated - sum(shown.values())
    if published:
        assert rest not in range(1, 5), "what is left over is a group of under five"
    if not hidden:
        return
    largest = min((value for value in shown.values() if value), default=rest)
    possible = [
        range(1, 5) if published[key] == "<5" else range(5, min(largest, rest) + 1)
        for key in hidden
    ]
    possible.append(range(rest + 1) if unstated else range(1))
    tables = [table for table in itertools.product(*possible) if sum(table) == rest]
    assert (*(cells[key] for key in hidden), unstated) in tables
    for place in range(len(hidden)):
        assert len({table[place] for table in tables}) > 1
    if unstated:
        assert len({table[-1] for table in tables}) > 1


@pytest.mark.parametrize(
    ("total", "mean"),
    [(0, "0"), (12, "1"), (28_872, "2406"), (1, "0.08"), (3, "0.25"), (9, "0.75"), (487, "40.58")],
)
def test_a_monthly_mean_is_whole_or_has_two_decimals(total: int, mean: str) -> None:
    """A twelfth is told exactly where it is whole, else to the hundredth."""
    assert monthly_mean(total) == mean


@pytest.mark.parametrize(
    ("means", "of_means", "pooled"),
    [
        ([], None, None),
        ([("4.0", 50), ("4.6", 30), ("4.3", 20)], "4.3", "4.2"),
        ([("4.2", 10), ("4.3", 10)], "4.3", "4.3"),
        ([("1.0", 10), ("5.0", 90)], "3.0", "4.6"),
        ([("4.0", 11)], "4.0", "4.0"),
    ],
)
def test_the_means_of_a_year(
    means: list[tuple[str, int]], of_means: str | None, pooled: str | None
) -> None:
    """Each event's mean weighs alike in the one, each answer in the other; halves go up."""
    all_released = [released_fact("mean", mean=mean, answered=n) for mean, n in means]
    others = [
        released_fact("too-few"),
        released_fact("band", at_least="1.0", at_most="2.0"),
        released_fact("bound", answered=900, at_least="4.8"),
    ]
    assert mean_of_means([*all_released, *others]) == of_means
    assert pooled_mean([*others, *all_released]) == pooled


def released_fact(rule: str, **said: object) -> Released:
    """Return what one survey's result released."""
    message = released("e1", rule=rule, **said)
    around = Envelope(
        id="m1", source="https://test.example", type=message.type, time=STARTS, subject="s"
    )
    return Released(fact_of(message, around), None)


def test_every_definition_is_complete() -> None:
    """Each figure has a unit that the contract takes, and is told in both languages."""
    for key, definition in FIGURES.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", key)
        assert re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", definition.unit)
        told = (definition.definition_sv, definition.definition_en)
        assert all(text.endswith(".") for text in told), key
        assert definition.definition_sv != definition.definition_en
        assert all(message.type in CONTRACTS for message in definition.rests_on)


def test_no_figure_rests_on_deliveries() -> None:
    """What became of letters counts nowhere, nor does anything that is kept for days only."""
    topics = {message.topic for message in HEARD}
    assert not any("notifications" in topic or "contact" in topic for topic in topics)


def test_a_fact_is_a_pure_function_of_its_message() -> None:
    """Reading the same message twice gives the same fact, to the byte of its data."""
    heard = {message.type for message in HEARD}
    for record in (each for each in invented(5, size=3) if each.type in heard):
        first, second = (
            fact_of(decode(record.type, record.body), envelope(record)) for _ in range(2)
        )
        assert first == second
        assert repr(first.data) == repr(second.data)
