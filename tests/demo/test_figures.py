"""The comparison with the source: what agrees, what does not, and how it is written down."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from services.demo.figures import Figure, compare, show, stated, write_figures
from services.demo.programme import programme

IDS = {event.slug: f"id-of-{event.slug}" for event in programme()}


def told(**changed: str) -> list[dict[str, Any]]:
    """Return the source's own figures as the house would tell them, some of them changed."""
    return [
        {
            "key": fact.key,
            "event_id": IDS[fact.event] if fact.event else None,
            "value": changed.get(fact.key, str(fact.value)),
        }
        for fact in reversed(stated())
    ]


def by_key(figures: list[Figure], key: str) -> Figure:
    """Return the first figure of a key."""
    return next(figure for figure in figures if figure.key == key)


def test_the_same_figures_agree() -> None:
    """A house that tells what the source tells agrees in every figure, sorted by key and event."""
    figures = compare(told(), IDS)
    assert all(figure.agrees for figure in figures)
    keys = [(figure.key, figure.event or "") for figure in figures]
    assert keys == sorted(keys)
    assert {key for key, _ in keys} == {
        "allied_organisations",
        "attendance",
        "course_places",
        "evaluation_mean",
        "gatherings",
        "learning_lunches",
        "participants",
        "resident_organisations",
        "rooms",
        "visits_per_month_mean",
    }


@pytest.mark.parametrize(
    ("key", "value", "agrees"),
    [
        ("gatherings", "1226", True),
        ("gatherings", "1225", False),
        ("visits_per_month_mean", "2406.0", True),
        ("visits_per_month_mean", "2406.1", False),
        ("participants", "420", True),
        ("participants", "380", True),
        ("participants", "421", False),
        ("participants", "379", False),
        ("attendance", "84", False),
        ("course_places", "5", False),
        ("evaluation_mean", "4.2", False),
    ],
)
def test_only_about_may_be_about(key: str, value: str, agrees: bool) -> None:
    """Five per cent are allowed where the source says "about", and nothing elsewhere."""
    figures = [figure for figure in compare(told(**{key: value}), IDS) if figure.key == key]
    assert all(figure.agrees for figure in figures) is agrees


def test_a_missing_figure_does_not_agree() -> None:
    """What the house does not tell is shown as missing."""
    figures = compare([item for item in told() if item["key"] != "rooms"], IDS)
    assert by_key(figures, "rooms") == Figure("rooms", None, "8", "missing", agrees=False)


def test_the_file_is_the_same_for_the_same_figures(tmp_path: Path) -> None:
    """Whatever order the house tells them in, the file has the same bytes; numbers are text."""
    write_figures(tmp_path / "a.json", compare(told(), IDS))
    write_figures(tmp_path / "b.json", compare(told()[::-1], IDS))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    rows = json.loads((tmp_path / "a.json").read_text())
    assert {
        "key": "attendance",
        "event": "dialogforum-jamlik-halsa",
        "source": "80",
        "andan": "80",
        "agrees": True,
    } in rows


def test_a_figure_that_differs_is_seen() -> None:
    """The table names every figure and says NO where it does not agree."""
    written = io.StringIO()
    show(Console(file=written, width=120), compare(told(rooms="7"), IDS))
    row = next(line for line in written.getvalue().splitlines() if "rooms" in line)
    assert "NO" in row
    assert written.getvalue().count("yes") == len(stated()) - 1
    assert "\x1b" not in written.getvalue()
