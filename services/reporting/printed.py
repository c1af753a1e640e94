"""What the printed report shows: every number, day and word written out in its language."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from services.reporting.accept import Language
from services.reporting.schemas.figures import ReportedFigure
from services.reporting.schemas.report import Bar, Evaluation, Report
from services.reporting.wording import DOMAIN, MONTHS, WORDS, day, number, titled

_BIG = ("gatherings", "visits_per_month_mean", "participants", "evaluation_mean")
_SMALL = (
    "attendances",
    "learning_lunches",
    "course_places",
    "rooms",
    "resident_organisations",
    "evaluation_mean_pooled",
)


class Printed:
    """A report as the template takes it."""

    def __init__(self, report: Report, language: Language) -> None:
        self.report = report
        self.language: Language = language
        self.words = WORDS[language]
        self.of_year = {each.key: each for each in report.figures if each.event_id is None}

    def data(self) -> dict[str, Any]:
        """Return it as plain values."""
        report = self.report
        at = report.as_of
        return {
            "lang": self.language,
            "title": self._say("title", year=str(report.year)),
            "words": self.words,
            "date": [at.year, at.month, at.day, at.hour, at.minute, at.second] if at else None,
            "standing": self._standing(),
            "big": self._shown(_BIG),
            "small": self._shown(_SMALL),
            "months": self._months(),
            "sectors": self._bars("participants_by_sector", "sectors_alt"),
            "formats": self._bars("events_by_format", "formats_alt"),
            "evaluations": [self._evaluation(each) for each in self._told()],
            "untold": self._untold(),
            "events": self._events(),
            "themes": [titled(each.titles, self.language) for each in report.themes],
            "quotes": [
                {
                    "text": each.text,
                    "lang": (each.language or "sv").partition("-")[0],
                    "by": titled(each.event_titles, self.language)
                    if each.event_titles
                    else self._say("participant", year=str(report.year)),
                }
                for each in report.quotes
            ],
            "amendments": self._amendments(),
            "definitions": self._definitions(),
        }

    def _say(self, word: str, **values: str) -> str:
        return self.words[word].format(**values)

    def _number(self, value: object) -> str:
        return number(str(value), self.language)

    def _standing(self) -> str:
        report = self.report
        if report.as_of is None:
            return self.words["nothing"]
        as_of = day(report.as_of, self.language)
        if report.closed_at is None:
            return self._say("open", as_of=as_of)
        return self._say("closed", day=day(report.closed_at, self.language), as_of=as_of)

    def _shown(self, keys: Iterable[str]) -> list[dict[str, str]]:
        found = [self.of_year[key] for key in keys if key in self.of_year]
        return [
            {"value": self._value(each.value), "title": each.titles[self.language]}
            for each in found
        ]

    def _value(self, value: str) -> str:
        """Return the value of a figure in words."""
        if not value.startswith("{"):
            return self._number(value)
        cells = json.loads(value)
        if not cells:
            return "–"
        if bounds := self._bounds(cells.get("at_least"), cells.get("at_most")):
            return bounds
        return ", ".join(f"{self._word(word)} {self._cell(cell)}" for word, cell in cells.items())

    def _bounds(self, at_least: str | None, at_most: str | None) -> str:
        low, high = self._number(at_least or ""), self._number(at_most or "")
        if at_least and at_most and at_most != "5.0" and at_least != "1.0":
            return self._say("band", at_least=low, at_most=high)
        if at_least and at_least != "1.0":
            return self._say("at_least", at_least=low)
        return self._say("at_most", at_most=high) if at_most else ""

    def _word(self, word: str) -> str:
        return DOMAIN[self.language].get(word, word)

    def _cell(self, cell: int | str) -> str:
        if isinstance(cell, int):
            return self._number(cell)
        return self.words["small" if cell.startswith("<") else "withheld"]

    def _months(self) -> dict[str, Any] | None:
        most = max(self.report.months, key=lambda each: each.visits)
        if not most.visits:
            return None
        names = MONTHS[self.language]
        rows = [
            {
                "name": names[each.month - 1][:3],
                "visits": self._number(each.visits),
                "share": each.visits / most.visits,
            }
            for each in self.report.months
        ]
        told = ", ".join(
            f"{names[each.month - 1]} {self._number(each.visits)}" for each in self.report.months
        )
        finding = self._say("most", month=names[most.month - 1], visits=self._number(most.visits))
        return {"rows": rows, "alt": self._say("months_alt", rows=told), "finding": finding}

    def _bars(self, key: str, alt: str) -> dict[str, Any] | None:
        figure = self.of_year.get(key)
        if figure is None:
            return None
        cells: Mapping[str, int | str] = json.loads(figure.value)
        if not cells:
            return {"rows": [], "alt": ""} if figure.rule == "withheld" else None
        most = max((cell for cell in cells.values() if isinstance(cell, int)), default=0)
        order = sorted(cells.items(), key=lambda row: (-_size(row[1]), row[0]))
        rows = [
            {
                "name": self._word(word),
                "value": self._cell(cell),
                "share": max(0, _size(cell)) / most if most else 0.0,
                "known": isinstance(cell, int),
            }
            for word, cell in order
        ]
        told = ", ".join(f"{row['name']} {row['value']}" for row in rows)
        return {"rows": rows, "alt": self._say(alt, rows=told)}

    def _told(self) -> list[Evaluation]:
        return [each for each in self.report.evaluations if each.rule != "too-few"]

    def _untold(self) -> str:
        """Return the sentence about the evaluations of which nothing is told; empty for none."""
        number = len(self.report.evaluations) - len(self._told())
        return self._say("too_few", number=self._number(number)) if number else ""

    def _evaluation(self, each: Evaluation) -> dict[str, Any]:
        title = titled(each.event_titles, self.language)
        value, note = self._thought(each)
        bars: list[dict[str, Any]] = [
            {
                "answers": bar.answers,
                "told": self._number(bar.answers),
                "rating": f"{bar.lowest}" if bar.lowest == bar.highest else _range(bar),
                "colour": round((bar.lowest + bar.highest) / 2),
            }
            for bar in each.bars
        ]
        told = [self._say("bar", answers=bar["told"], rating=bar["rating"]) for bar in bars]
        said = ", ".join([value, *([note] if note else []), *told])
        return {
            "title": title,
            "about": f"{self._word(each.format)}, {day(each.local_date, self.language)}",
            "value": value,
            "note": note,
            "bars": bars,
            "alt": self._say("evaluation_alt", title=title, said=said),
        }

    def _thought(self, each: Evaluation) -> tuple[str, str]:
        attended = self._number(each.attended)
        note = ""
        if each.answered is not None:
            answered = self._number(each.answered)
            note = self._say("mean_of", answered=answered, attended=attended)
        if each.mean is not None:
            return self._say("mean", mean=self._number(each.mean)), note
        bounds = self._bounds(each.at_least, each.at_most)
        return bounds, note or (self.words["band_note"] if each.rule == "band" else "")

    def _events(self) -> list[list[str]]:
        rows: dict[str, dict[str, str]] = {}
        for figure in self.report.figures:
            if figure.event_id is None or figure.event_titles is None:
                continue
            row = rows.setdefault(
                figure.event_id, {"title": titled(figure.event_titles, self.language)}
            )
            row[figure.key] = self._value(figure.value)
        keys = ("title", "attendance", "allied_organisations", "evaluation_mean")
        ordered = sorted(rows.items(), key=lambda row: (row[1]["title"], row[0]))
        return [[row.get(key, "–") for key in keys] for _, row in ordered]

    def _amendments(self) -> list[list[str]]:
        rows = []
        for each in self.report.amendments:
            title = each.titles[self.language]
            if each.event_titles:
                event = titled(each.event_titles, self.language)
                title = self._say("of_event", title=title, event=event)
            old = "–" if each.old is None else self._value(each.old)
            at = day(each.at, self.language)
            rows.append([title, old, self._value(each.new), each.why or "–", at])
        return rows

    def _definitions(self) -> list[list[list[str]]]:
        """Return title and definition of each figure, in two columns of about the same length."""
        found: dict[str, ReportedFigure] = {}
        for figure in self.report.figures:
            found.setdefault(figure.key, figure)
        rows = [
            [each.titles[self.language], each.definitions[self.language]] for each in found.values()
        ]
        half = sum(len(definition) for _, definition in rows) / 2
        left: list[list[str]] = []
        while rows and sum(len(definition) for _, definition in left) < half:
            left.append(rows.pop(0))
        return [left, rows]


def _size(cell: int | str) -> int:
    return cell if isinstance(cell, int) else -1


def _range(bar: Bar) -> str:
    return f"{bar.lowest}–{bar.highest}"
