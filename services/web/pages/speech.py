"""A language as code speaks it: sentences with their numbers, days and titles filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel.dates import format_date

from services.web.page import Page
from services.web.rendering import At, parsed
from services.web.words import Catalogue, titled
from shared import dates


@dataclass(frozen=True, slots=True)
class Speech:
    """What is said in one language; the same words for the same values."""

    catalogue: Catalogue
    zone: str

    @property
    def lang(self) -> str:
        """The language's code."""
        return str(self.catalogue.language)

    def gettext(self, text: str, **values: object) -> str:
        """Return a text, its %(names)s filled in."""
        return self.catalogue.say(text, **values) if values else self.catalogue.gettext(text)

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """Return the text that goes with `count`, which it holds as %(num)s."""
        text = self.catalogue.ngettext(one, many, count)
        return text % {"num": self.number(count), **values}

    def number(self, value: Any) -> str:
        """Return a number; what is none stands as it is."""
        try:
            return dates.number(value, self.lang)
        except ArithmeticError:
            return str(value)

    def day(self, at: At) -> str:
        """Return "torsdag 19 oktober 2023"."""
        return dates.day(parsed(at), self.zone, self.lang)

    def short_day(self, day: date) -> str:
        """Return "tors 19 okt"."""
        weekday = dates.short_weekday(day, self.zone, self.lang)
        return f"{weekday} {day.day} {dates.short_month(day, self.zone, self.lang)}"

    def days(self, first: date, last: date) -> str:
        """Return "9–15 oktober 2023", with the first day's month or year where they differ."""
        start = str(first.day)
        if first.month != last.month:
            pattern = "d MMMM" if first.year == last.year else "d MMMM y"
            start = format_date(first, pattern, locale=self.lang)
        _ = self.gettext
        return _("%(start)s–%(end)s", start=start, end=format_date(last, "d MMMM y", self.lang))

    def month(self, number: int) -> str:
        """Return "november"."""
        return format_date(date(2023, number, 1), "LLLL", locale=self.lang)

    def short_month(self, number: int) -> str:
        """Return "nov"; its number where the short names are too long for a chart."""
        if self.lang == "ar":
            return str(number)
        return dates.short_month(date(2023, number, 1), self.zone, self.lang)

    def title(self, titles: Mapping[str, str] | None) -> tuple[str, str]:
        """Return a title in this language, or in the nearest there is, and which that is."""
        return titled(titles, self.lang)

    def word(self, word: str, of: str) -> str:
        """Return what a word of the API means."""
        return self.catalogue.word(word, of)


def speech(page: Page) -> Speech:
    """Return the speech of a page's language."""
    return Speech(page.house.rendering.catalogues[page.lang], page.zone)
