"""The year: every figure from the facts, with exactly the messages that it rests on."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from services.reporting.rules.evaluations import MEAN, Released, mean_of_means, pooled_mean
from services.reporting.rules.events import EventTold, Slots, State, tell_event
from services.reporting.rules.facts import RESIDENCIES, ROOMS, Fact
from services.reporting.rules.figures import FIGURES
from services.reporting.rules.withholding import withhold
from shared.contracts.words import EventFormat

MONTHS = 12
Number = Callable[[Fact], int]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a year; `messages` are the facts it rests on, by time, then id."""

    key: str
    event_id: str | None
    value: str
    messages: tuple[Fact, ...]
    rule: str | None = None
    """What was held back, by the word for it; None where nothing can be."""
    n: int | None = None
    """How many answers or means it is the mean of; None where that may not be told, or for sums."""

    @property
    def as_of(self) -> datetime | None:
        """Time of the last message counted; None where nothing is."""
        return self.messages[-1].at if self.messages else None


@dataclass(frozen=True)
class YearTold:
    """All figures of a year, in the order of the table, and what the report tells beside them.

    `events` and `titles` are also of events that are known and not, or no longer, of the year.
    `visits` are those of each month.
    """

    year: int
    figures: Mapping[tuple[str, str | None], Figure]
    titles: Mapping[str, Mapping[str, str]]
    events: Sequence[EventTold]
    visits: Sequence[int]
    themes: Sequence[Fact]

    @property
    def evaluated(self) -> list[EventTold]:
        """The events of the year whose evaluation was released."""
        return [each for each in self.events if each.released and each.counts_in(self.year)]

    @property
    def as_of(self) -> datetime | None:
        """Time of the last message counted in any figure; None where nothing is."""
        times = [figure.as_of for figure in self.figures.values() if figure.as_of]
        return max(times, default=None)


def tell_year(year: int, facts: Iterable[Fact]) -> YearTold:
    """Return what `facts` say about a year; their order does not matter.

    `facts` may hold more than the year's; they must hold all facts of every scope that has one
    of the year, and all standing ones.
    """
    slots_of_events: defaultdict[str, dict[str, list[Fact]]] = defaultdict(dict)
    others: dict[str, list[Fact]] = {}
    for fact in facts:
        scope, _, event_id = fact.scope.partition("/")
        slots = slots_of_events[event_id] if scope == "event" else others
        slots.setdefault(fact.slot, []).append(fact)
    for slots in (*slots_of_events.values(), others):
        for same in slots.values():
            same.sort(key=lambda fact: fact.rank, reverse=True)
    events = [tell_event(event_id, slots) for event_id, slots in sorted(slots_of_events.items())]
    told = [
        *_gatherings(year, others),
        *_visits(year, others),
        *_rooms(year, others),
        *_residents(year, others),
        *_people(year, others, events),
        *_attendance(year, events),
        *_programme(year, events),
        *_allies(year, events),
        *_evaluations(year, events),
    ]
    order = {key: place for place, key in enumerate(FIGURES)}
    told.sort(key=lambda figure: (order[figure.key], figure.event_id or ""))
    titles = {each.event_id: each.state.titles for each in events if each.state is not None}
    return YearTold(
        year,
        {(each.key, each.event_id): each for each in told},
        titles,
        events,
        _visits_by_month(year, others),
        _themes(year, others),
    )


def _figure(
    key: str, value: int | str, messages: Iterable[Fact], event_id: str | None = None, **more: Any
) -> Figure:
    ordered = sorted(_once(messages), key=lambda fact: (fact.at, fact.message_id))
    return Figure(key, event_id, str(value), tuple(ordered), **more)


def _once(messages: Iterable[Fact]) -> Iterable[Fact]:
    return {fact.message_id: fact for fact in messages}.values()


def _table(cells: Mapping[str, int | str]) -> str:
    return json.dumps(dict(sorted(cells.items())), separators=(",", ":"))


def _sum(slots: Slots, kind: str, number: Number) -> tuple[int, list[Fact]]:
    """Add `number` of what holds in each slot; list what adds, or keeps something from adding."""
    total, listed = 0, []
    for facts in slots.values():
        if facts[0].kind != kind:
            continue
        holds = number(facts[0])
        total += holds
        if holds or (len(facts) > 1 and number(facts[1])):
            listed.append(facts[0])
    return total, listed


def _gatherings(year: int, slots: Slots) -> Iterator[Figure]:
    yield _figure("gatherings", *_sum(slots, "gathering", lambda fact: int(fact.year == year)))


def _visits(year: int, slots: Slots) -> Iterator[Figure]:
    def visits(fact: Fact) -> int:
        return int(fact.data["visits"]) if fact.year == year else 0

    total, listed = _sum(slots, "visits", visits)
    yield _figure("visits_per_month_mean", monthly_mean(total), listed)


def monthly_mean(total: int) -> str:
    """Return a twelfth: whole where it is, else with two decimals, halves rounded up."""
    if total % MONTHS == 0:
        return str(total // MONTHS)
    return str((Decimal(total) / MONTHS).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _rooms(year: int, slots: Slots) -> Iterator[Figure]:
    last_day = date(year, 12, 31).isoformat()
    by_room: defaultdict[str, dict[str, Sequence[Fact]]] = defaultdict(dict)
    for facts in slots.values():
        if facts[0].scope == ROOMS:
            by_room[facts[0].slot.partition("/")[2]][facts[0].kind] = facts
    rooms, listed = 0, []
    for room in by_room.values():
        opened, retired = room.get("opened", ()), room.get("retired", ())

        def is_open(opened: Sequence[Fact], retired: Sequence[Fact]) -> bool:
            has_opened = bool(opened) and opened[0].data["on"] <= last_day
            return has_opened and not (retired and retired[0].data["on"] <= last_day)

        now = is_open(opened, retired)
        rooms += now
        if opened and (now or is_open(opened[1:], retired)):
            listed.append(opened[0])
        if retired and is_open(opened, retired[1:]) != now:
            listed.append(retired[0])
    yield _figure("rooms", rooms, listed)


def _residents(year: int, slots: Slots) -> Iterator[Figure]:
    last_day = date(year, 12, 31).isoformat()
    residents, listed = 0, []
    for facts in slots.values():
        if facts[0].scope != RESIDENCIES:
            continue
        history = list(reversed(facts))
        began = _began(history, last_day)
        residents += began is not None
        if began is not None:
            listed.append(began)
        for fact in history:
            others = [each for each in history if each is not fact]
            if (_began(others, last_day) is None) != (began is None):
                listed.append(fact)
    yield _figure("resident_organisations", residents, listed)


def _began(history: Sequence[Fact], day: str) -> Fact | None:
    """Return the fact that began the residency of `day`; None where there is none.

    A beginning said again before an end replaces the one before, and so does an end.
    """
    stays: list[tuple[Fact, str | None]] = []
    for fact in history:
        if "began_on" in fact.data:
            if stays and stays[-1][1] is None:
                stays.pop()
            stays.append((fact, None))
        elif stays:
            stays[-1] = (stays[-1][0], fact.data["ended_on"])
    for began, ended_on in stays:
        if began.data["began_on"] <= day and (ended_on is None or ended_on >= day):
            return began
    return None


def _people(year: int, slots: Slots, events: Sequence[EventTold]) -> Iterator[Figure]:
    """Yield who took part, and from which sectors.

    The table rests on everybody: whoever stated no sector decides what may be shown of the others.
    """
    counted = [facts[0] for facts in slots.values() if facts[0].slot == f"people/{year}"]
    people = sum(fact.data["persons"] for fact in counted)
    by_sector: Counter[str] = Counter()
    for fact in counted:
        by_sector.update(fact.data["by_sector"])
    listed, sectors_by = list(counted), list[Fact]()
    for event in events:
        presence = event.presence
        if event.counts_in(year):
            people += presence.unnamed
            by_sector.update(presence.by_sector)
            listed += presence.unnamed_by
            sectors_by += presence.sectors_by
        if presence.unnamed:
            listed += event.listed(_in_year(year), _placed_by)
        if presence.by_sector:
            sectors_by += event.listed(_in_year(year), _placed_by)
    yield _figure("participants", people, listed)
    stated = {sector: number for sector, number in by_sector.items() if number}
    table = withhold(stated, unstated=max(0, people - sum(stated.values())))
    rule = None if table == stated else "withheld"
    yield _figure("participants_by_sector", _table(table), [*listed, *sectors_by], rule=rule)


def _attendance(year: int, events: Sequence[EventTold]) -> Iterator[Figure]:
    total, listed = 0, []
    for event in events:
        presence = event.presence
        in_year = event.counts_in(year)
        of_event: list[Fact] = []
        if in_year:
            of_event += presence.attended_by
        if presence.attended:
            of_event += event.listed(_in_year(year), _placed_by)
        listed += of_event
        if in_year and presence.attended:
            total += presence.attended
            yield _figure("attendance", presence.attended, of_event, event.event_id)
    yield _figure("attendances", total, listed)


def _programme(year: int, events: Sequence[EventTold]) -> Iterator[Figure]:
    def format_(state: State) -> str | None:
        return state.format if state.year == year and state.takes_place else None

    def lunch(state: State) -> bool:
        return format_(state) == EventFormat.LARANDELUNCH

    def places(state: State) -> int:
        return state.places if format_(state) else 0

    def given_by(state: State) -> Sequence[Fact]:
        return [*state.placed_by, *state.given_by]

    by_format: Counter[str] = Counter()
    lunches = course_places = 0
    formats_by: list[Fact] = []
    lunches_by: list[Fact] = []
    places_by: list[Fact] = []
    for event in events:
        if event.state and (word := format_(event.state)):
            by_format[word] += 1
            lunches += lunch(event.state)
            course_places += places(event.state)
        formats_by += event.listed(format_, _placed_by)
        lunches_by += event.listed(lunch, _placed_by)
        places_by += event.listed(places, given_by)
    yield _figure("events_by_format", _table(by_format), formats_by)
    yield _figure("learning_lunches", lunches, lunches_by)
    yield _figure("course_places", course_places, places_by)


def _allies(year: int, events: Sequence[EventTold]) -> Iterator[Figure]:
    def allies(state: State) -> frozenset[str]:
        return state.allies if state.year == year and state.takes_place else frozenset()

    def allied_by(state: State) -> Sequence[Fact]:
        return [*state.placed_by, *state.allied_by]

    for event in events:
        if event.state and (found := allies(event.state)):
            listed = event.listed(allies, allied_by)
            yield _figure("allied_organisations", len(found), listed, event.event_id)


def _evaluations(year: int, events: Sequence[EventTold]) -> Iterator[Figure]:
    meant: list[Released] = []
    listed: list[Fact] = []
    for event in events:
        if event.released is None:
            continue
        in_year = event.counts_in(year)
        placed_by = list(event.listed(_in_year(year), _placed_by))
        if in_year and (value := event.released.value):
            of_event = [*event.released.valued_by, *placed_by]
            more = {"rule": event.released.rule, "n": event.released.answered}
            yield _figure("evaluation_mean", value, of_event, event.event_id, **more)
        if in_year:
            listed += event.released.meant_by
        if event.released.mean:
            listed += placed_by
            meant += [event.released] if in_year else []
    if (mean := mean_of_means(meant)) is not None:
        yield _figure("evaluation_mean", mean, listed, rule=MEAN, n=len(meant))
    if (pooled := pooled_mean(meant)) is not None:
        answers = sum(each.answered or 0 for each in meant)
        yield _figure("evaluation_mean_pooled", pooled, listed, rule=MEAN, n=answers)


def _visits_by_month(year: int, slots: Slots) -> list[int]:
    months = [0] * MONTHS
    for facts in slots.values():
        if facts[0].kind == "visits" and facts[0].year == year:
            day = date.fromisoformat(facts[0].slot.rpartition("/")[2])
            months[day.month - 1] += int(facts[0].data["visits"])
    return months


def _themes(year: int, slots: Slots) -> list[Fact]:
    """Return the themes of the year, by their keys."""
    themes = [facts[0] for facts in slots.values() if facts[0].scope == f"themes/{year}"]
    return sorted(themes, key=lambda fact: (fact.data["key"], fact.slot))


def _in_year(year: int) -> Callable[[State], bool]:
    return lambda state: state.year == year


def _placed_by(state: State) -> Sequence[Fact]:
    return state.placed_by
