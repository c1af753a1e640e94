"""The report as a page in Swedish: complete in itself, the same bytes for the same figures."""

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.reporting.rules import FIGURES, WITHHELD, Definition, Figure, YearTold

_TEMPLATES = Path(__file__).parent / "templates"
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STYLE = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy of the page: its own style and nothing else."""

_WORDS = {
    "public-official": "tjänstepersoner",
    "politician": "politiker",
    "job-seeker": "arbetssökande",
    "association": "föreningslivet",
    "business": "näringslivet",
    "academia": "akademin",
    "other": "övriga",
    "malmotimmen": "Malmötimmen",
    "dialogforum": "dialogforum",
    "larandelunch": "lärandelunch",
    "seminarium": "seminarium",
    "workshop": "workshop",
    "kurs": "kurs",
    "studiebesok": "studiebesök",
    "konferens": "konferens",
    "ovrigt": "övrigt",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """A figure as the page shows it."""

    definition: Definition
    value: str
    cells: list[tuple[str, str]]
    event_title: str | None


def report_page(told: YearTold) -> str:
    """Return the report of a year as HTML, in Swedish."""
    rows = [_row(figure, told) for figure in told.figures.values()]
    return _ENVIRONMENT.get_template("report.sv.html").render(
        year=told.year,
        style=_STYLE,
        of_the_year=[row for row in rows if row.event_title is None],
        of_events=[row for row in rows if row.event_title is not None],
    )


def _row(figure: Figure, told: YearTold) -> _Row:
    title = None
    if figure.event_id is not None:
        titles = told.titles[figure.event_id]
        title = titles.get("sv") or next(iter(titles.values()))
    cells = []
    if figure.value.startswith("{"):
        table: dict[str, int | str] = json.loads(figure.value)
        cells = [(_WORDS.get(word, word), _shown(cell)) for word, cell in table.items()]
    return _Row(FIGURES[figure.key], _shown(figure.value), cells, title)


def _shown(value: int | str) -> str:
    """Return a number as Swedish writes it: 2 406 and 40,58."""
    text = str(value)
    if text == WITHHELD:
        return "undantas"
    whole, point, decimals = text.partition(".")
    if not whole.isdigit():
        return text
    return f"{int(whole):,}".replace(",", "\N{NO-BREAK SPACE}") + ("," + decimals if point else "")
