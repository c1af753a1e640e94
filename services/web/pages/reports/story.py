"""A year's report as it is told on its page: findings, charts and tables, from its JSON alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from services.web.pages.reports.charts import evaluation_chart, month_chart, table_chart
from services.web.pages.reports.words import (
    BOUNDS,
    cells_of,
    figure_names,
    message_name,
    most_came_from,
    sector_names,
    value_words,
)
from services.web.pages.speech import Speech
from services.web.words import WORDS

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """What the templates need of a report; the same words for the same report."""

    report: Mapping[str, Any]
    words: Speech

    @property
    def year(self) -> int:
        """The year it is about."""
        return int(self.report["year"])

    def view(self) -> dict[str, Any]:
        """Return the page's parts."""
        report, _ = self.report, self.words.gettext
        as_of = report.get("as_of")
        day = self.words.day(as_of) if as_of else ""
        return {
            "year": self.year,
            "is_open": report["status"] != "closed",
            "as_of": day,
            "lead": self._lead(),
            "headlines": self._headlines(),
            "evaluations": evaluation_chart(self.words, report["evaluations"], self._link),
            "tables": [each for each in (self._sectors(), self._formats()) if each],
            "quotes": [self._quote(each) for each in report["quotes"]],
            "months": month_chart(
                self.words, report["months"], self._value("visits_per_month_mean"), self._link
            ),
            "themes": [self._theme(each) for each in report["themes"]],
            "more": self._more(),
            "events": self._events(),
            "amendments": [self._amendment(each) for each in report["amendments"]],
            "made": self._made(day),
        }

    def _figure(self, key: str) -> Item | None:
        return next(
            (
                each
                for each in self.report["figures"]
                if each["key"] == key and each["event_id"] is None
            ),
            None,
        )

    def _value(self, key: str) -> str | None:
        """Return a figure of the whole year, where there is something to say."""
        figure = self._figure(key)
        value = figure["value"] if figure else None
        return value if value and value not in ("0", WITHOUT) else None

    def _link(self, key: str, event_id: str | None = None) -> str:
        query = f"?event_id={event_id}" if event_id else ""
        return f"/{self.words.lang}/figures/{self.year}/{key}{query}"

    def _lead(self) -> list[str]:
        _, number = self.words.gettext, self.words.number
        found = []
        if people := self._value("participants"):
            found.append(
                _(
                    "%(count)s people took part in the dialogues and meetings of Malmöandan "
                    "during the year.",
                    count=number(people),
                )
            )
        if mean := self._value("evaluation_mean"):
            found.append(_("They rated them %(mean)s of 5.", mean=number(mean)))
        if visits := self._value("visits_per_month_mean"):
            found.append(
                _(
                    "The house of associations received %(count)s visits a month.",
                    count=number(_whole(visits)),
                )
            )
        return found

    def _headlines(self) -> list[dict[str, str]]:
        _, ngettext, number = self.words.gettext, self.words.ngettext, self.words.number
        told = []
        if people := self._value("participants"):
            sectors = len(self._cells("participants_by_sector"))
            words = (
                ngettext(
                    "participants from %(num)s sector", "participants from %(num)s sectors", sectors
                )
                if sectors
                else _("participants")
            )
            told.append(("participants", number(people), words))
        if mean := self._value("evaluation_mean"):
            words = _("on average: how well the meeting lived up to expectations")
            told.append(("evaluation_mean", _("%(mean)s of 5", mean=number(mean)), words))
        if gatherings := self._value("gatherings"):
            rooms = int(self._value("rooms") or 0)
            words = (
                ngettext("gatherings in %(num)s room", "gatherings in %(num)s rooms", rooms)
                if rooms
                else _("gatherings")
            )
            told.append(("gatherings", number(gatherings), words))
        if visits := self._value("visits_per_month_mean"):
            words = _("visits a month to the house")
            told.append(("visits_per_month_mean", number(_whole(visits)), words))
        return [
            {"value": value, "words": words, "href": self._link(key), "note": ""}
            for key, value, words in told
        ]

    def _cells(self, key: str) -> dict[str, Any]:
        return cells_of(self._value(key) or "") or {}

    def _sectors(self) -> dict[str, Any] | None:
        _ = self.words.gettext
        cells = self._cells("participants_by_sector")
        counts = {key: value for key, value in cells.items() if isinstance(value, int) and value}
        most = max(counts, key=lambda key: (counts[key], key), default="")
        return table_chart(
            self.words,
            cells,
            names=sector_names(_),
            title=most_came_from(_).get(most, _("Participants by sector")),
            text=_("Participants by the sector they stated."),
            source=_("Registrations with attendance, and heads counted."),
            href=self._link("participants_by_sector"),
            head=[_("Sector"), _("Participants")],
        )

    def _formats(self) -> dict[str, Any] | None:
        _ = self.words.gettext
        cells = self._cells("events_by_format")
        total = sum(value for value in cells.values() if isinstance(value, int))
        return table_chart(
            self.words,
            cells,
            names={key: _(text) for key, text in WORDS["format"].items()},
            title=self.words.ngettext(
                "%(num)s meeting was held", "%(num)s meetings were held", total
            ),
            text=_("Meetings by format."),
            source=_("Published and not cancelled."),
            href=self._link("events_by_format"),
            head=[_("Format"), _("Meetings")],
        )

    def _quote(self, quote: Item) -> dict[str, Any]:
        _ = self.words.gettext
        title, _language = self.words.title(quote.get("event_titles"))
        return {
            "text": quote["text"],
            "language": quote.get("language"),
            "by": _("Participant, %(what)s", what=title or str(self.year)),
        }

    def _theme(self, theme: Item) -> dict[str, str]:
        title, language = self.words.title(theme["titles"])
        return {"title": title or theme["key"], "language": language}

    def _more(self) -> list[list[Any]]:
        """Return every figure of the whole year that is a number, with its page."""
        names = figure_names(self.words.gettext)
        return [
            [names.get(each["key"], each["key"]), self._linked(each)]
            for each in self.report["figures"]
            if each["event_id"] is None and not set(cells_of(each["value"]) or ()) - BOUNDS
        ]

    def _events(self) -> list[list[Any]]:
        names = figure_names(self.words.gettext)
        rows = []
        for each in self.report["figures"]:
            if each["event_id"] is not None:
                title, language = self.words.title(each.get("event_titles"))
                told = Markup('<span lang="{}">{}</span>').format(language, title)
                rows.append(
                    (title, [told, names.get(each["key"], each["key"]), self._linked(each)])
                )
        return [row for _title, row in sorted(rows, key=lambda pair: pair[0])]

    def _linked(self, figure: Item) -> Markup:
        name = figure_names(self.words.gettext).get(figure["key"], figure["key"])
        return Markup('<a href="{}">{}<span class="hidden">: {}</span></a>').format(
            self._link(figure["key"], figure["event_id"]),
            value_words(self.words, figure["value"]),
            name,
        )

    def _amendment(self, each: Item) -> list[str]:
        names = figure_names(self.words.gettext)
        title, _language = self.words.title(each["event_titles"])
        name = str(names.get(each["key"], each["key"]))
        return [
            f"{name}, {title}" if title else name,
            value_words(self.words, each["old"]),
            value_words(self.words, each["new"]),
            message_name(self.words, each["why"]) if each["why"] else "–",
            self.words.day(each["at"]),
        ]

    def _made(self, day: str) -> str:
        _ = self.words.gettext
        until = _("It is made of what was said up to %(day)s.", day=day) + " " if day else ""
        return (
            _("The report is made from the log of what happened in the house.")
            + " "
            + until
            + _(
                "From the same log it becomes the same, every time. Answers of groups under five "
                "people are not shown, nor what they could be worked out from."
            )
        )


WITHOUT = "{}"


def _whole(value: str) -> str:
    return str(int(Decimal(value).to_integral_value("ROUND_HALF_UP")))
