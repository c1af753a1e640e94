"""Nothing under five of a sector is told, nor can be worked out, by any way out of reporting."""

import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.printed import Printed
from services.reporting.rules import Fact, YearShown, fact_of, tell_year
from services.reporting.schemas import FigureDetail, FigureItem, Report
from services.reporting.tables import figures_table, report_table
from services.reporting.wording import DOMAIN
from shared.contracts.envelope import Envelope
from shared.contracts.events import PeopleCounted
from shared.contracts.message import Message
from shared.contracts.words import Sector
from tests.reporting.said import STARTS, heads, published

SECTORS = (Sector.ACADEMIA, Sector.BUSINESS, Sector.POLITICIAN, Sector.JOB_SEEKER)
FEW = st.integers(0, 9)
CROWD = st.dictionaries(st.sampled_from([*SECTORS, None]), FEW, max_size=5)
Crowd = Mapping[Sector | None, int]
Row = dict[str, Fraction]


def shown_of(persons: Crowd, crowds: Sequence[Crowd]) -> YearShown:
    """Return the year in which these persons and these heads of each event were counted."""
    by_sector = {sector: people for sector, people in persons.items() if sector and people}
    said: list[Message] = [
        PeopleCounted(year=2023, persons=sum(persons.values()), by_sector=by_sector)
    ]
    for number, crowd in enumerate(crowds):
        said.append(published(f"e{number}", f"Träff {number}"))
        said += [
            heads(f"e{number}", people, sector, f"{number}-{sector}")
            for sector, people in crowd.items()
        ]
    facts = [_fact(message, number) for number, message in enumerate(said)]
    return YearShown(tell_year(2023, facts), None, {}, [])


def _fact(message: Message, number: int) -> Fact:
    envelope = Envelope(
        id=f"m{number}",
        source="https://test.example",
        type=message.type,
        time=STARTS + timedelta(minutes=number),
        subject=message.subject(),
        sequence=number,
    )
    return fact_of(message, envelope)


def really(persons: Crowd, crowds: Sequence[Crowd]) -> Counter[str]:
    """Return how many there really were of each sector, and of none."""
    counted: Counter[str] = Counter()
    for crowd in (persons, *crowds):
        counted.update({_name(sector): people for sector, people in crowd.items() if people})
    return counted


def _name(sector: Sector | None) -> str:
    return sector.value if sector else "none"


def equations(shown: YearShown, table: Mapping[str, int]) -> list[Row]:
    """Return what a reader can write down: each published number as a sum of what is not.

    The unknowns are the persons of each sector, and the heads of each sector at each event.
    """
    events = [each for key, each in shown.told.figures if key == "attendance" and each]
    names = [*(sector.value for sector in SECTORS), "none"]
    one = Fraction(1)
    total = {f"persons/{name}": one for name in names}
    rows: list[Row] = []
    for event in events:
        heads_of = {f"{event}/{name}": one for name in names}
        total |= heads_of
        rows.append({**heads_of, f"named/{event}": one})  # attendance: those with a name, too
    rows.append(dict(total))  # participants
    rows += [_of_sector(name, events) for name in table]
    return rows


def _of_sector(name: str, events: Sequence[str]) -> Row:
    return {f"{place}/{name}": Fraction(1) for place in ("persons", *events)}


def follows(wanted: Row, rows: Sequence[Row]) -> bool:
    """Say whether a sum can be worked out of others, whatever the unknowns are."""
    reduced: list[tuple[str, Row]] = []
    for row in [*rows, wanted]:
        rest = dict(row)
        for pivot, known in reduced:
            if factor := rest.get(pivot, Fraction(0)):
                for name, value in known.items():
                    rest[name] = rest.get(name, Fraction(0)) - factor * value
        rest = {name: value for name, value in rest.items() if value}
        if not rest:
            if row is wanted:
                return True
            continue
        if row is wanted:
            return False
        pivot = min(rest)
        reduced.append((pivot, {name: value / rest[pivot] for name, value in rest.items()}))
    raise AssertionError("the last row is the wanted one")


def derivable(shown: YearShown, table: Mapping[str, int], true: Counter[str]) -> list[str]:
    """Return the groups of sectors of one to four people whose number a reader can work out.

    The reader also knows it where everybody stated a sector.
    """
    events = [each for key, each in shown.told.figures if key == "attendance" and each]
    rows = equations(shown, table)
    if not true["none"]:
        rows.append(_of_sector("none", events))
    found = []
    for size in range(1, len(true) + 1):
        for group in itertools.combinations(sorted(true), size):
            people = sum(true[name] for name in group)
            if people not in range(1, 5) or people == sum(true.values()):
                continue  # not a small group, or everybody, who are told as participants
            wanted: Row = {}
            for name in group:
                wanted |= _of_sector(name, events)
            if follows(wanted, rows):
                found.append("+".join(group))
    return found


@given(persons=CROWD, crowds=st.lists(CROWD, max_size=3))
def test_no_group_under_five_can_be_worked_out(persons: Crowd, crowds: list[Crowd]) -> None:
    """Solved as a system of equations over all published totals and tables, none is derivable."""
    shown = shown_of(persons, crowds)
    true = really(persons, crowds)
    table = json.loads(shown.told.figures["participants_by_sector", None].value)
    numbers = {name: cell for name, cell in table.items() if isinstance(cell, int)}
    assert derivable(shown, told_of(numbers, table) if table else {}, true) == []


def told_of(numbers: Mapping[str, int], cells: Container[str]) -> dict[str, int]:
    """Return the numbers of a table with a nought for every sector that it has no cell of."""
    return {sector.value: 0 for sector in SECTORS if sector.value not in cells} | dict(numbers)


@pytest.mark.parametrize(
    ("counted", "found"),
    [
        ({Sector.ACADEMIA: 3, Sector.BUSINESS: 50}, ["academia"]),
        ({Sector.ACADEMIA: 50, None: 2}, ["none"]),
        (
            {Sector.ACADEMIA: 1, Sector.POLITICIAN: 2, Sector.BUSINESS: 9},
            ["academia", "politician"],
        ),
    ],
)
def test_a_planted_leak_is_found(counted: Crowd, found: list[str]) -> None:
    """Where every cell is told, or only the small one is not, the solver works it out."""
    shown, true = shown_of(counted, []), really(counted, [])
    cells = {name: people for name, people in true.items() if name != "none"}
    assert set(found) <= set(derivable(shown, told_of(cells, cells), true))
    large = {name: people for name, people in cells.items() if people >= 5}
    assert derivable(shown, told_of(large, cells), true)


@given(persons=CROWD, crowds=st.lists(CROWD, max_size=3))
def test_every_way_out_tells_the_same(persons: Crowd, crowds: list[Crowd]) -> None:
    """JSON, CSV, figure, detail, PDF and its alternative text have the cells of one table."""
    shown = shown_of(persons, crowds)
    figure = shown.figure("participants_by_sector", None)
    assert figure is not None
    table = {name: str(cell) for name, cell in json.loads(figure.value).items()}
    report = Report.of(shown)
    (reported,) = (each for each in report.figures if each.key == figure.key)
    assert reported.value == figure.value
    assert FigureItem.of(figure).value == FigureDetail.detailed(figure, shown).value == figure.value
    for content in (report_table(report), figures_table(2023, report.figures)):
        rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
        cells = {row["part"]: row["value"] for row in rows if row["key"] == figure.key}
        assert cells == table
    chart = Printed(report, "sv").data()["sectors"]
    words = {"<5": "färre än fem", "withheld": "undantas"}
    drawn = {DOMAIN["sv"][name]: words.get(cell, cell) for name, cell in table.items()}
    if not drawn:
        assert chart is None or chart["rows"] == []
        return
    assert {row["name"]: row["value"] for row in chart["rows"]} == drawn
    assert all(row["share"] == 0 for row in chart["rows"] if not row["known"])
    told = ", ".join(f"{row['name']} {row['value']}" for row in chart["rows"])
    assert told in chart["alt"]
