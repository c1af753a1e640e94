"""Templates and what they can say: one environment per language, strict, escaping everything."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.web.assets import Assets
from services.web.words import Catalogue, Language, read_catalogue
from shared import dates

TEMPLATES: Final = Path(__file__).parent / "templates"

At = datetime | date | str
"""An instant or a day, also as the API writes it."""


class Rendering:
    """The environments of all languages, made once."""

    def __init__(self, assets: Assets, time_zone: str) -> None:
        self.assets = assets
        self.time_zone = time_zone
        self.catalogues = {language: read_catalogue(language) for language in Language}
        self._environments = {
            language: self._environment(catalogue)
            for language, catalogue in self.catalogues.items()
        }

    def render(self, language: Language, template: str, **values: Any) -> str:
        """Return the page."""
        return self._environments[language].get_template(template).render(values)

    def _environment(self, catalogue: Catalogue) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            extensions=["jinja2.ext.i18n"],
        )
        environment.install_gettext_callables(  # type: ignore[attr-defined]  # i18n adds it
            catalogue.gettext, catalogue.ngettext, newstyle=True
        )
        environment.globals.update(
            lang=str(catalogue.language),
            dir=catalogue.language.direction,
            asset=self.assets.url,
            word=catalogue.word,
        )
        environment.filters.update(Filters(str(catalogue.language), self.time_zone).all())
        environment.filters["word"] = catalogue.word
        environment.filters["wall_clock"] = partial(wall_clock, language=catalogue.language)
        environment.filters["in_sentence"] = partial(in_sentence, language=catalogue.language)
        return environment


class Filters:
    """What templates say days, times and numbers with; a zone that is not given is the house's."""

    def __init__(self, language: str, house_zone: str) -> None:
        self._language = language
        self._zone = house_zone

    def all(self) -> dict[str, Callable[..., str]]:
        """Return the filters by their names."""
        names = [name for name in vars(Filters) if not name.startswith("_") and name != "all"]
        told: dict[str, Callable[..., str]] = {name: getattr(self, name) for name in names}
        return {**told, "time": self.clock}

    def day(self, at: At, zone: str | None = None) -> str:
        """`torsdag 19 oktober 2023`"""
        return dates.day(parsed(at), zone or self._zone, self._language)

    def day_in_year(self, at: At, zone: str | None = None) -> str:
        """`torsdag 19 oktober`"""
        return dates.day_in_year(parsed(at), zone or self._zone, self._language)

    def month(self, at: At, zone: str | None = None) -> str:
        """`oktober 2023`"""
        return dates.month(parsed(at), zone or self._zone, self._language)

    def short_month(self, at: At, zone: str | None = None) -> str:
        """`okt`"""
        return dates.short_month(parsed(at), zone or self._zone, self._language)

    def short_weekday(self, at: At, zone: str | None = None) -> str:
        """`tors`"""
        return dates.short_weekday(parsed(at), zone or self._zone, self._language)

    def clock(self, at: At, zone: str | None = None) -> str:
        """`9.00`"""
        return dates.clock(instant(at), zone or self._zone, self._language)

    def moment(self, at: At, zone: str | None = None) -> str:
        """`torsdag 19 oktober 2023 kl. 9.00`"""
        return dates.moment(instant(at), zone or self._zone, self._language)

    def hours(self, starts_at: At, ends_at: At, zone: str | None = None) -> str:
        """`9.00–12.00`"""
        return dates.hours(instant(starts_at), instant(ends_at), zone or self._zone, self._language)

    def timespan(self, starts_at: At, ends_at: At, zone: str | None = None) -> str:
        """`torsdag 19 oktober 2023, 9.00–12.00`"""
        return dates.span(instant(starts_at), instant(ends_at), zone or self._zone, self._language)

    def zone_name(self, at: At, zone: str | None = None) -> str:
        """`centraleuropeisk sommartid`"""
        return dates.zone_name(instant(at), zone or self._zone, self._language)

    def number(self, value: int | float | str | Decimal, decimals: int | None = None) -> str:
        """`6 800`, `4,3`"""
        return dates.number(Decimal(str(value)), self._language, decimals)

    def datetime_attr(self, at: At, zone: str | None = None) -> str:
        """`2023-10-19T09:00+02:00`, for the attribute of `time`"""
        found = parsed(at)
        if not isinstance(found, datetime):
            return found.isoformat()
        return found.astimezone(ZoneInfo(zone or self._zone)).isoformat(timespec="minutes")


def in_sentence(words: str, language: str) -> str:
    """Return names of languages as they stand inside a sentence: small in Swedish."""
    return words.lower() if language == Language.SWEDISH else words


def wall_clock(wall: str, language: str) -> str:
    """Return a wall time (HH:MM) as it is read: 9.00, in English 09:00."""
    return wall if language == Language.ENGLISH else wall.removeprefix("0").replace(":", ".")


def parsed(at: At) -> datetime | date:
    """Return an instant or a day that the API may have written as text."""
    if not isinstance(at, str):
        return at
    return datetime.fromisoformat(at) if "T" in at else date.fromisoformat(at)


def instant(at: At) -> datetime:
    """Return an instant; a day is none."""
    found = parsed(at)
    assert isinstance(found, datetime)
    return found
