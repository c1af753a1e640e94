"""What an event contributes to a year, and which messages make it so."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.reporting.rules.evaluations import Released, released
from services.reporting.rules.facts import Fact
from shared.contracts.words import EventFormat, PartnerRole

Slots = Mapping[str, Sequence[Fact]]
"""The facts of each slot, the one that holds first."""


@dataclass(frozen=True, slots=True)
class State:
    """An event as its facts leave it, and the facts that make it so."""

    year: int
    on: str
    format: str
    is_cancelled: bool
    allies: frozenset[str]
    places: int
    titles: Mapping[str, str]
    placed_by: tuple[Fact, ...]
    allied_by: tuple[Fact, ...]
    given_by: tuple[Fact, ...]

    @property
    def takes_place(self) -> bool:
        """Whether it is published and not cancelled."""
        return not self.is_cancelled


@dataclass(frozen=True, slots=True)
class Presence:
    """Who came to an event."""

    attended: int
    unnamed: int
    by_sector: Mapping[str, int]
    attended_by: tuple[Fact, ...]
    unnamed_by: tuple[Fact, ...]
    sectors_by: tuple[Fact, ...]


@dataclass(frozen=True)
class EventTold:
    """An event with its state, its presence, and what its state would be without each message."""

    event_id: str
    state: State | None
    presence: Presence
    released: Released | None
    without: Mapping[Fact, State | None]

    def counts_in(self, year: int) -> bool:
        """Whether it is an event of the year."""
        return self.state is not None and self.state.year == year

    @property
    def last_said(self) -> Fact | None:
        """The last fact about the event itself, whatever it said."""
        return max(self.without, key=lambda fact: (fact.at, fact.message_id), default=None)

    def listed(
        self,
        contributes: Callable[[State], object],
        deciders: Callable[[State], Sequence[Fact]],
    ) -> Iterator[Fact]:
        """Yield what a figure of this event rests on.

        That is what makes it contribute, and whatever, if it were taken away, would make it
        contribute otherwise: a cancellation, or a new date that moved it out of the year.
        """
        now = (self.state and contributes(self.state)) or None
        if self.state and now:
            yield from deciders(self.state)
        for fact, state in self.without.items():
            if ((state and contributes(state)) or None) != now:
                yield fact


def tell_event(event_id: str, slots: Slots) -> EventTold:
    """Return what an event's facts tell."""
    presences = {slot: facts for slot, facts in slots.items() if facts[0].kind == "presence"}
    evaluations = [facts for facts in slots.values() if facts[0].kind == "evaluation"]
    about = {
        slot: facts
        for slot, facts in slots.items()
        if facts[0].kind not in ("presence", "evaluation")
    }
    if not _is_course(about):
        unneeded = ("selection", "withdrawal")
        about = {slot: facts for slot, facts in about.items() if facts[0].kind not in unneeded}
    selected = {slot.partition("/")[2] for slot in about if slot.startswith("selection/")}
    about = {
        slot: facts
        for slot, facts in about.items()
        if facts[0].kind != "withdrawal" or slot.partition("/")[2] in selected
    }
    return EventTold(
        event_id,
        _state(about),
        _presence(presences),
        released(evaluations[0]) if evaluations else None,
        {facts[0]: _state({**about, slot: facts[1:]}) for slot, facts in about.items()},
    )


def _is_course(slots: Slots) -> bool:
    return any(
        fact.data["format"] == EventFormat.KURS
        for facts in slots.values()
        if facts[0].kind == "description"
        for fact in facts[:2]
    )


def _state(slots: Slots) -> State | None:
    """Return the event's state; None where nothing describes it (yet)."""
    holding: dict[str, list[Fact]] = {}
    for facts in slots.values():
        if facts:
            holding.setdefault(facts[0].kind, []).append(facts[0])
    description = next(iter(holding.get("description", ())), None)
    if description is None:
        return None
    assert description.year is not None
    is_course = description.data["format"] == EventFormat.KURS
    selected = [
        fact for fact in holding.get("selection", ()) if is_course and fact.data["selected"]
    ]
    year = min((fact.year for fact in selected if fact.year), default=description.year)
    joined = [
        fact
        for fact in holding.get("partner", ())
        if fact.data["role"] == PartnerRole.ALLY
        and fact.rank > description.rank
        and fact.data["organisation_id"] not in description.data["allies"]
    ]
    withdrawn = {fact.slot.partition("/")[2] for fact in holding.get("withdrawal", ())}
    given = [fact for fact in selected if fact.slot.partition("/")[2] not in withdrawn]
    return State(
        year=year,
        on=description.data["on"],
        format=description.data["format"],
        is_cancelled=bool(holding.get("cancellation")),
        allies=frozenset(
            [*description.data["allies"], *(fact.data["organisation_id"] for fact in joined)]
        ),
        places=sum(fact.data["people"] for fact in given),
        titles=description.data["titles"],
        placed_by=(description, *_placed_elsewhere(description, selected, year)),
        allied_by=tuple(joined),
        given_by=tuple(given),
    )


def _placed_elsewhere(description: Fact, selected: Sequence[Fact], year: int) -> list[Fact]:
    """Return the selections that together put a course into another year than its date."""
    if year == description.year:
        return []
    return [fact for fact in selected if fact.year == year]


def _presence(slots: Slots) -> Presence:
    attended = unnamed = 0
    by_sector: Counter[str] = Counter()
    attended_by, unnamed_by, sectors_by = [], [], []
    for facts in slots.values():
        holds, before = facts[0], facts[1] if len(facts) > 1 else None
        attended += _people(holds)
        unnamed += _unnamed(holds)
        if sector := _sector(holds):
            by_sector[sector[0]] += sector[1]
        if _people(holds) or _people(before):
            attended_by.append(holds)
        if _unnamed(holds) or _unnamed(before):
            unnamed_by.append(holds)
        if _sector(holds) or _sector(before):
            sectors_by.append(holds)
    return Presence(
        attended,
        unnamed,
        dict(by_sector),
        tuple(attended_by),
        tuple(unnamed_by),
        tuple(sectors_by),
    )


def _people(fact: Fact | None) -> int:
    return int(fact.data["people"]) if fact else 0


def _unnamed(fact: Fact | None) -> int:
    return _people(fact) if fact and fact.data["unnamed"] else 0


def _sector(fact: Fact | None) -> tuple[str, int] | None:
    people = _unnamed(fact)
    return (fact.data["sector"], people) if fact and people and fact.data["sector"] else None
