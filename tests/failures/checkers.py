"""What must hold of a history and of what the stores hold afterwards: small checkers.

Each returns sentences, one for each thing that is wrong; none where all is well. That they find
what they are for is proven in `test_checkers.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.failures.history import History, Outcome


@dataclass(frozen=True)
class Held:
    """A row that a store holds: its id, which intent made it, and what its maker was told."""

    id: str
    intent: str
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Booked:
    """A room that is taken from one instant to another."""

    id: str
    room: str
    starts_at: datetime
    ends_at: datetime


def each_acknowledged_once(history: History, action: str, held: Sequence[Held]) -> list[str]:
    """Each answer 2xx stands for exactly one row, which says what the answer said."""
    rows = defaultdict(list)
    for row in held:
        rows[row.id].append(row)
    wrong = []
    for attempt in history.ok(action):
        found = rows.get(attempt.answer["id"], [])
        if not found:
            wrong.append(f"lost: {attempt.intent} was acknowledged and is not held")
        elif len(found) > 1:
            wrong.append(f"doubled: {attempt.intent} is held {len(found)} times")
        elif any(attempt.answer.get(name) != value for name, value in found[0].told.items()):
            wrong.append(f"altered: {attempt.intent} was told otherwise than it is held")
    return wrong


def each_effect_has_a_cause(history: History, action: str, held: Iterable[Held]) -> list[str]:
    """Nothing is held that nobody asked for, or whose every attempt was refused."""
    attempts = history.by_intent(action)
    wrong = []
    for row in held:
        if row.intent not in attempts:
            wrong.append(f"causeless: {row.id} is held and nobody asked for it")
        elif all(each.outcome is Outcome.FAIL for each in attempts[row.intent]):
            wrong.append(f"refused: {row.intent} was refused and is held")
    return wrong


def one_effect_per_intent(history: History, action: str, held: Iterable[Held]) -> list[str]:
    """What was sent again under its key had one effect at most, and one answer."""
    rows = Counter(row.intent for row in held)
    wrong = [f"doubled: {intent} has {count} rows" for intent, count in rows.items() if count > 1]
    for intent, attempts in history.by_intent(action).items():
        answers = [each.answer for each in attempts if each.outcome is Outcome.OK]
        if any(one != other for one, other in pairwise(answers)):
            wrong.append(f"unlike: {intent} was answered in different ways")
    return wrong


def one_effect_per_message(messages: Iterable[str], effects: Iterable[str]) -> list[str]:
    """Each message has exactly one effect, and no effect is without its message."""
    expected, found = Counter(messages), Counter(effects)
    wrong = [f"lost: no effect of {each}" for each in expected if not found[each]]
    wrong += [f"doubled: {n} effects of {each}" for each, n in found.items() if n > 1]
    wrong += [f"causeless: an effect of {each}" for each in found if not expected[each]]
    return wrong


def in_order_of_commits(
    committed: Mapping[str, Sequence[str]], seen: Mapping[str, Sequence[str]]
) -> list[str]:
    """Per key, the effects stand in the order in which their causes were committed."""
    wrong = []
    for key, effects in seen.items():
        place = {each: number for number, each in enumerate(committed.get(key, ()))}
        for one, other in pairwise(each for each in effects if each in place):
            if place[one] > place[other]:
                wrong.append(f"disorder: on {key}, {one} took effect before {other}")
    return wrong


def first_seen(messages: Iterable[str]) -> list[str]:
    """Return the messages without those that came before: what repeating at least once leaves."""
    return list(dict.fromkeys(messages))


def each_is_published(committed: Iterable[str], published: Iterable[str]) -> list[str]:
    """What was committed stands in its topic, and nothing stands there that nobody committed."""
    there, told = set(published), set(committed)
    wrong = [f"unpublished: {each} was committed and is in no topic" for each in told - there]
    return wrong + [
        f"causeless: {each} is in a topic, nobody committed it" for each in there - told
    ]


def each_was_taken(consumer: str, meant: Iterable[str], taken: Iterable[str]) -> list[str]:
    """A consumer has taken each message that is meant for it."""
    return [f"missed: {consumer} has not taken {each}" for each in sorted({*meant} - {*taken})]


def one_partition_per_key(places: Iterable[tuple[tuple[str, str], int]]) -> list[str]:
    """All messages of one (topic, key) stand in one partition: else nobody keeps their order."""
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for line, partition in places:
        found[line].add(partition)
    return [
        f"scattered: {key} of {topic} is in partitions {sorted(parts)}"
        for (topic, key), parts in found.items()
        if len(parts) > 1
    ]


def revisions_rise(told: Iterable[tuple[str, int]]) -> list[str]:
    """What is said of one thing is said in the order of its revisions: (thing, revision)."""
    latest: dict[str, int] = {}
    wrong = []
    for thing, revision in told:
        if revision < latest.get(thing, 0):
            wrong.append(f"revision: {revision} of {thing} is told after {latest[thing]}")
        latest[thing] = revision
    return wrong


def state_is_as_told(
    states: Mapping[str, str], told: Mapping[str, str], silent: Sequence[str] = ()
) -> list[str]:
    """Each row has the state that was told last, and none is silent but those of some states."""
    wrong = [
        f"torn: {id_} was told as {told[id_]} and is not there" for id_ in told.keys() - states
    ]
    for id_, state in states.items():
        if told.get(id_) != state and (id_ in told or state not in silent):
            wrong.append(f"torn: {id_} is {state} and was told as {told.get(id_)}")
    return wrong


def copies_agree(name: str, origin: Mapping[str, Any], copy: Mapping[str, Any]) -> list[str]:
    """A projection holds what its origin holds, no more, no less and nothing otherwise."""
    assert origin, f"nothing to compare {name} with"
    return [
        f"projection: {name} has {copy.get(key)!r} for {key}, not {origin.get(key)!r}"
        for key in sorted({*origin, *copy})
        if key not in origin or key not in copy or origin[key] != copy[key]
    ]


def never_over(capacities: Mapping[str, int], taken: Mapping[str, int]) -> list[str]:
    """Nothing holds more than its capacity."""
    return [
        f"over: {name} holds {count} of {capacities[name]}"
        for name, count in taken.items()
        if count > capacities[name]
    ]


def numbered_without_gap(name: str, numbers: Iterable[int]) -> list[str]:
    """Places of a shelf or a line are 1, 2, 3 … with none missing and none given twice."""
    found = sorted(numbers)
    if found == list(range(1, len(found) + 1)):
        return []
    return [f"numbers: the places of {name} are not 1 to {len(found)}: {found[:20]}"]


def first_asked_first_placed(history: History, action: str, group: str, place: str) -> list[str]:
    """Who was answered before another asked stands before him.

    `group` and `place` are members of the answers: only places of one group compare.
    """
    by_group = defaultdict(list)
    for intent, attempts in history.by_intent(action).items():
        ok = [each for each in attempts if each.outcome is Outcome.OK]
        if ok and ok[0].answer.get(place) is not None:
            ended = min(each.ended_at or 0 for each in ok)
            entry = (ok[0].answer[place], min(each.began_at for each in attempts), ended, intent)
            by_group[ok[0].answer.get(group)].append(entry)
    wrong = []
    for entries in by_group.values():
        latest_begin, who = float("-inf"), ""
        for _, began, ended, intent in sorted(entries):
            if ended < latest_begin:
                wrong.append(f"jumped: {who} asked after {intent} was placed, and stands before")
            if began > latest_begin:
                latest_begin, who = began, intent
    return wrong


def no_overlaps(bookings: Iterable[Booked]) -> list[str]:
    """No two bookings of a room share an instant; ends are exclusive."""
    rooms = defaultdict(list)
    for each in bookings:
        rooms[each.room].append(each)
    wrong = []
    for room, taken in rooms.items():
        latest: Booked | None = None
        for each in sorted(taken, key=lambda one: one.starts_at):
            if latest is not None and each.starts_at < latest.ends_at:
                wrong.append(f"overlap: {latest.id} and {each.id} in room {room}")
            if latest is None or each.ends_at > latest.ends_at:
                latest = each
    return wrong


@dataclass(frozen=True)
class Step:
    """What was said of one registration of an event: confirmed, waitlisted or cancelled."""

    fact: str
    id: str
    position: int | None = None
    promoted: bool = False


def the_line_is_strict(capacity: int, steps: Sequence[Step]) -> list[str]:
    """Whoever moves up was first in line, nobody passes those who wait, nobody is one too many."""
    holds: set[str] = set()
    line: list[str] = []
    wrong = []
    for step in steps:
        if step.fact == "cancelled":
            holds.discard(step.id)
            line = [each for each in line if each != step.id]
        elif step.fact == "waitlisted":
            line.append(step.id)
            if step.position != len(line):
                wrong.append(f"position: {step.id} is told {step.position}, is {len(line)}")
        elif step.fact == "confirmed":
            if step.promoted and line[:1] != [step.id]:
                wrong.append(f"jumped: {step.id} moved up and was not first in line")
            elif not step.promoted and line:
                wrong.append(f"passed: {step.id} got a place while {len(line)} waited")
            line = [each for each in line if each != step.id]
            holds.add(step.id)
            if len(holds) > capacity:
                wrong.append(f"over: {step.id} is number {len(holds)} of {capacity}")
    return wrong


def letters_as_caused(
    expected: Mapping[tuple[str, str], int], found: Mapping[tuple[str, str], int]
) -> list[str]:
    """Each mailbox holds each kind of letter as often as something caused it: (address, kind)."""
    wrong = []
    for letter in sorted({*expected, *found}):
        caused, came = expected.get(letter, 0), found.get(letter, 0)
        if came != caused:
            word = "unwritten" if came < caused else "doubled" if caused else "causeless"
            wrong.append(f"{word}: {came} letters {letter[1]} to {letter[0]} of {caused}")
    return wrong


def one_acts_at_a_time(samples: Sequence[Mapping[str, float]]) -> list[str]:
    """Between two looks at their counters, at most one of several processes has acted."""
    wrong = []
    for before, after in pairwise(samples):
        acted = sorted(name for name, count in after.items() if count > before.get(name, 0))
        if len(acted) > 1:
            wrong.append(f"both: {' and '.join(acted)} acted at the same time")
    return wrong


def only_taking_over(samples: Sequence[Mapping[str, float]]) -> list[str]:
    """Between looks at the counters of several processes one acts; two only where one takes over.

    A take-over is seen as both acting between one pair of looks; they never do in two pairs
    running.
    """
    wrong, before = [], False
    for pair in pairwise(samples):
        both = one_acts_at_a_time(pair)
        if both and before:
            wrong += both
        before = bool(both)
    return wrong


def agree(seed: int, *findings: list[str]) -> None:
    """Fail with everything that was found, and with the seed that repeats the run."""
    found = [sentence for each in findings for sentence in each]
    shown = "\n".join(found[:30])
    assert not found, f"{len(found)} violations, seed {seed}:\n{shown}"
