"""Compares the figures of the house with those of the source."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from services.demo.programme import FACTS

ABOUT: Final = Decimal("0.05")
"""How far off a figure may be where the source says "about"."""
MISSING: Final = "missing"


@dataclass(frozen=True, slots=True)
class Stated:
    """A figure that the source states, of the year or of an event (by slug)."""

    key: str
    event: str | None
    value: Decimal
    is_about: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the source beside that of the house."""

    key: str
    event: str | None
    source: str
    andan: str
    agrees: bool


def stated() -> list[Stated]:
    """Return every figure of the source that the house tells too."""
    venue, events = FACTS["venue"], FACTS["events"]
    places = sum(event.get("places", 0) for event in events if event["format"] == "kurs")
    of_the_year = [
        Stated("gatherings", None, Decimal(venue["gatherings_in_year_at_least"])),
        Stated("visits_per_month_mean", None, Decimal(venue["visits_per_month_mean"])),
        Stated("rooms", None, Decimal(venue["bookable_rooms"])),
        Stated(
            "resident_organisations",
            None,
            Decimal(venue["resident_organisations_about"]),
            is_about=True,
        ),
        Stated("participants", None, Decimal(FACTS["totals"]["participants_about"]), is_about=True),
        Stated("evaluation_mean", None, Decimal(str(FACTS["totals"]["evaluation_mean"]))),
        Stated("learning_lunches", None, Decimal(FACTS["learning_lunches_in_year"])),
        Stated("course_places", None, Decimal(places)),
    ]
    of_events = [
        Stated(key, event["slug"], Decimal(str(event[fact])), is_about)
        for event in events
        for key, fact, is_about in (
            ("attendance", "participants_about", True),
            ("allied_organisations", "allied_actors", False),
            ("evaluation_mean", "evaluation_mean", False),
        )
        if fact in event
    ]
    return [*of_the_year, *of_events]


def compare(items: Iterable[Mapping[str, Any]], event_ids: Mapping[str, str]) -> list[Figure]:
    """Return the source's figures beside those of the house (`items`), by key and event.

    `event_ids` tells the house's id of an event by its slug.
    """
    told = {(item["key"], item.get("event_id")): str(item["value"]) for item in items}
    figures = []
    for fact in stated():
        event_id = event_ids[fact.event] if fact.event else None
        value = told.get((fact.key, event_id), MISSING)
        figures.append(
            Figure(fact.key, fact.event, str(fact.value), _plain(fact, value), _agrees(fact, value))
        )
    return sorted(figures, key=lambda each: (each.key, each.event or ""))


def write_figures(path: Path, figures: Iterable[Figure]) -> None:
    """Write the figures as sorted JSON: the same figures, the same bytes."""
    rows = [asdict(figure) for figure in figures]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def show(console: Console, figures: Iterable[Figure]) -> None:
    """Print the figures as a table; in plain letters where nobody looks at a terminal."""
    table = Table(
        title=f"{FACTS['organiser']} {FACTS['year']}",
        box=box.SIMPLE_HEAD if console.is_terminal else box.ASCII2,
    )
    for heading in ("figure", "event"):
        table.add_column(heading, overflow="fold")
    for heading in ("source", "andan"):
        table.add_column(heading, justify="right")
    table.add_column("agrees")
    for figure in figures:
        said = "yes" if figure.agrees else "[bold red]NO[/bold red]"
        table.add_row(figure.key, figure.event or "", figure.source, figure.andan, said)
    console.print(table)


def _agrees(fact: Stated, value: str) -> bool:
    if value == MISSING:
        return False
    off = abs(Decimal(value) - fact.value)
    return off <= fact.value * ABOUT if fact.is_about else off == 0


def _plain(fact: Stated, value: str) -> str:
    """Return a number without a fraction of nothing (2406.0 is 2406) where the source has none."""
    if value == MISSING or "." in str(fact.value):
        return value
    number = Decimal(value)
    return str(number.to_integral_value()) if number == number.to_integral_value() else value
