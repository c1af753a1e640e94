"""Everything published of a year as CSV: one row a value, the same columns in every table.

The columns, in this order:

- `year`: the year that the row counts in;
- `section`: `figure`, `evaluation`, `month`, `theme`, `quote` or `amendment`;
- `key`: the key of a figure, evaluation, month (`visits`) or theme; the id of a quote;
- `title_sv`, `title_en`: what the key means;
- `event_id`, `event_title_sv`, `event_title_en`: the event, where it is of one;
- `part`: the cell of a table, the bound or bar of an evaluation, the month as YYYY-MM;
- `value`, `unit`: the value as text, and what is counted;
- `rule`, `n`: what was held back, and how many it rests on;
- `previous`, `because`: of an amendment, the value before and the type of the late message;
- `as_of`: time of the last message counted, or of the amendment;
- `text`, `language`: the words of a quote.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.reporting.schemas.figures import ReportedFigure
from services.reporting.schemas.report import Evaluation, Report

COLUMNS = (
    "year",
    "section",
    "key",
    "title_sv",
    "title_en",
    "event_id",
    "event_title_sv",
    "event_title_en",
    "part",
    "value",
    "unit",
    "rule",
    "n",
    "previous",
    "because",
    "as_of",
    "text",
    "language",
)
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
Row = dict[str, Any]


def figures_table(year: int, figures: Sequence[ReportedFigure]) -> bytes:
    """Return figures as CSV, UTF-8: a row for each, or for each cell where it is a table."""
    return _table(year, _figures(figures))


def report_table(report: Report) -> bytes:
    """Return the whole report as CSV, UTF-8."""
    return _table(report.year, _rows(report))


def _table(year: int, rows: Iterator[Row]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(cell) for name, cell in {"year": year, **row}.items()})
    return out.getvalue().encode()


def _cell(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" \N{NO-BREAK SPACE}").startswith(_FORMULA) else text


def _rows(report: Report) -> Iterator[Row]:
    yield from _figures(report.figures)
    for evaluation in report.evaluations:
        yield from _evaluation(evaluation)
    for month in report.months:
        part = f"{report.year:04d}-{month.month:02d}"
        yield {
            "section": "month",
            "key": "visits",
            "part": part,
            "value": month.visits,
            "unit": "visits",
        }
    for theme in report.themes:
        yield {"section": "theme", "key": theme.key, **_titles("title", theme.titles)}
    for quote in report.quotes:
        yield {
            "section": "quote",
            "key": quote.quote_id,
            **_titles("event_title", quote.event_titles),
            "text": quote.text,
            "language": quote.language,
        }
    for each in report.amendments:
        yield {
            "section": "amendment",
            "key": each.key,
            **_titles("title", each.titles),
            "event_id": each.event_id,
            **_titles("event_title", each.event_titles),
            "value": each.new,
            "previous": each.old,
            "because": each.why,
            "as_of": _instant(each.at),
        }


def _figures(figures: Sequence[ReportedFigure]) -> Iterator[Row]:
    for figure in figures:
        row = {
            "section": "figure",
            "key": figure.key,
            **_titles("title", figure.titles),
            "event_id": figure.event_id,
            **_titles("event_title", figure.event_titles),
            "unit": figure.unit,
            "rule": figure.rule,
            "n": figure.n,
            "as_of": _instant(figure.as_of),
        }
        if not figure.value.startswith("{"):
            yield {**row, "value": figure.value}
            continue
        for part, value in json.loads(figure.value).items():
            yield {**row, "part": part, "value": value}


def _evaluation(evaluation: Evaluation) -> Iterator[Row]:
    row = {
        "section": "evaluation",
        "key": "evaluation",
        "event_id": evaluation.event_id,
        **_titles("event_title", evaluation.event_titles),
        "rule": evaluation.rule,
        "n": evaluation.answered,
    }
    yield {**row, "part": "attended", "value": evaluation.attended, "unit": "people"}
    for part in ("answered", "mean", "at_least", "at_most"):
        if (value := getattr(evaluation, part)) is not None:
            yield {
                **row,
                "part": part,
                "value": value,
                "unit": "answers" if part == "answered" else "rating",
            }
    for bar in evaluation.bars:
        ratings = f"{bar.lowest}" if bar.lowest == bar.highest else f"{bar.lowest} to {bar.highest}"
        yield {**row, "part": f"rated {ratings}", "value": bar.answers, "unit": "answers"}


def _titles(name: str, titles: Mapping[str, str] | None) -> Row:
    return {f"{name}_{language}": (titles or {}).get(language) for language in ("sv", "en")}


def _instant(at: Any) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
