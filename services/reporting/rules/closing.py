"""A closed year: what was published stands, and a late fact amends it visibly.

What a year shows once it is closed is the last version of each figure; the years told from the
facts only say which version comes next. The table of sectors is published once: two tables beside
each other would tell of which sector the few were that came between.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.reporting.rules.figures import FIGURES
from services.reporting.rules.withholding import WITHHELD
from services.reporting.rules.year import Figure, YearTold

Place = tuple[str, str | None]
"""Key and event of a figure."""

PUBLISHED_ONCE = frozenset({"participants_by_sector"})
GONE = "0"
NOTHING_SAID = "{}"


@dataclass(frozen=True, slots=True)
class Version:
    """A figure as it was published; `because` is the type of the message that amended it."""

    key: str
    event_id: str | None
    version: int
    value: str
    because: str | None
    as_of: datetime | None
    published_at: datetime

    @property
    def place(self) -> Place:
        """Which figure it is a version of."""
        return self.key, self.event_id


@dataclass(frozen=True, slots=True)
class Quote:
    """A participant's words."""

    quote_id: str
    event_id: str | None
    text: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Amendment:
    """A figure that is another since the year was closed; `old` is None for one that is new."""

    key: str
    event_id: str | None
    old: str | None
    new: str
    why: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """The version to publish next of a figure, and what it replaces."""

    figure: Figure
    version: int
    previous: str | None
    because: str | None


@dataclass(frozen=True, slots=True)
class YearShown:
    """A year as it may be read: open and told so far, or closed with the versions published."""

    told: YearTold
    closed_at: datetime | None
    versions: Mapping[Place, Sequence[Version]]
    """Of each figure from the first on; empty while the year is open."""
    quotes: Sequence[Quote]

    @property
    def year(self) -> int:
        """Which year it is."""
        return self.told.year

    @property
    def figures(self) -> list[Figure]:
        """The figures with the values that they show, in the order of the table."""
        if self.closed_at is None:
            return list(self.told.figures.values())
        order = {key: number for number, key in enumerate(FIGURES)}
        places = sorted(self.versions, key=lambda place: (order[place[0]], place[1] or ""))
        return [self._published(place) for place in places]

    def figure(self, key: str, event_id: str | None) -> Figure | None:
        """Return a figure with the value that it shows; None where there is none."""
        if self.closed_at is None:
            return self.told.figures.get((key, event_id))
        return self._published((key, event_id)) if (key, event_id) in self.versions else None

    def _published(self, place: Place) -> Figure:
        value = self.versions[place][-1].value
        figure = self.told.figures.get(place)
        if figure is None:
            return Figure(*place, value, ())
        rule = self._rule_of_table(value) if place[0] in PUBLISHED_ONCE else figure.rule
        return Figure(*place, value, figure.messages, rule, figure.n)

    def _rule_of_table(self, value: str) -> str | None:
        """Return the rule that a table was published by: that of today's would tell of the few."""
        cells = json.loads(value).values()
        people = self.versions.get(("participants", None))
        is_empty_of_some = not cells and people and people[0].value != "0"
        return WITHHELD if is_empty_of_some or any(type(each) is str for each in cells) else None

    @property
    def amendments(self) -> list[Amendment]:
        """What was published after the closing, in that order."""
        found: list[Amendment] = []
        for versions in self.versions.values():
            old: str | None = None
            for each in versions:
                if each.version > 1 or each.because is not None:
                    why, at = each.because, each.published_at
                    found.append(Amendment(*each.place, old, each.value, why, at))
                old = each.value
        return sorted(found, key=lambda each: (each.at, each.key, each.event_id or ""))


def changes(told: YearTold, versions: Mapping[Place, Sequence[Version]]) -> list[Change]:
    """Return what of a closed year is to be published, now that the facts tell this of it."""
    due: list[Change] = []
    for place, figure in told.figures.items():
        last = versions[place][-1] if place in versions else None
        if last is None:
            because = figure.messages[-1].type if versions and figure.messages else None
            due.append(Change(figure, 1, None, because))
        elif last.value != figure.value and figure.key not in PUBLISHED_ONCE:
            because = figure.messages[-1].type if figure.messages else None
            due.append(Change(figure, last.version + 1, last.value, because))
    last_said = {event.event_id: event.last_said for event in told.events}
    for place, published in versions.items():
        gone = NOTHING_SAID if published[-1].key.startswith("evaluation") else GONE
        if place in told.figures or published[-1].value == gone:
            continue
        fact = last_said.get(place[1]) if place[1] else None
        figure = Figure(*place, gone, (fact,) if fact else ())
        because = fact.type if fact else None
        due.append(Change(figure, published[-1].version + 1, published[-1].value, because))
    return due
