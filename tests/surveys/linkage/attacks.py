"""The attacks: each guesses ratings, words or ballots of persons from the evidence.

An attack returns a guess per person; where it finds nothing, it says nothing, and the game takes
the best guess without any evidence in its stead.
"""

import json
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import md5, sha1, sha256
from typing import Any

from tests.surveys.linkage.evidence import Evidence, Rows, State

Guesses = dict[str, Any]
"""By person: a rating (int), words (str), or a ballot's secret (str)."""

_RATING = re.compile(r'"?rating"?["\s:=]+([1-5])\b')
_TOKEN = re.compile(r"(?<![\w-])[A-Za-z0-9_-]{43}(?![\w-])")
_ORDERING = re.compile(r"(^|_)(id|key|seq|at|time|day|on)$")
_COUNTS = struct.Struct(">5I")


def _flat(row: Sequence[Any]) -> str:
    return " ".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in row
    )


def _by_order(persons: Sequence[str], values: Sequence[Any]) -> Guesses:
    """Say that the first had the first value, and so on, where there is about one for each."""
    if not persons or not len(persons) * 0.9 <= len(values) <= len(persons) * 1.1:
        return {}
    return dict(zip(persons, values, strict=False))


def _ratings_of(table: Rows) -> list[int]:
    """Return a rating for each row, where every row has one."""
    for at, _ in enumerate(table.columns):
        values = [row[at] for row in table.rows]
        if len(set(values)) > 1 and all(type(v) is int and 1 <= v <= 5 for v in values):
            return values
    found = [_RATING.search(_flat(row)) for row in table.rows]
    return [int(each[1]) for each in found if each] if all(found) else []


def _texts_of(table: Rows, texts: Sequence[str]) -> list[str]:
    """Return the words in each row that has some, in the order of the rows."""
    flat = [_flat(row) for row in table.rows]
    return [text for line in flat for text in texts if text in line]


def _tables(evidence: Evidence) -> Iterator[Rows]:
    """Yield every table of the store and of the log, the fuller of two states of one."""
    fullest: dict[str, Rows] = {}
    for state in (*evidence.states, *evidence.others, evidence.log):
        for name, table in state.items():
            if name not in fullest or len(table.rows) >= len(fullest[name].rows):
                fullest[name] = table
    yield from fullest.values()


def _ordered(evidence: Evidence, tables: Iterator[Rows]) -> Guesses:
    guesses: Guesses = {}
    for table in tables:
        if not table.rows:
            continue
        guesses = _by_order(evidence.answerers, _ratings_of(table)) | guesses
        guesses = _words(evidence, _texts_of(table, evidence.texts)) | guesses
    return guesses


def _words(evidence: Evidence, texts: Sequence[str]) -> Guesses:
    return {f"words of {who}": text for who, text in _by_order(evidence.writers, texts).items()}


def storage_order(evidence: Evidence) -> Guesses:
    """Rows lie in the order in which people answered."""
    return _ordered(evidence, _tables(evidence))


def id_and_time_order(evidence: Evidence) -> Guesses:
    """Some column (an id, a time) sorts the rows into the order in which people answered."""

    columns = [
        (not name.endswith(("at", "time")), at, table)
        for table in _tables(evidence)
        for at, name in enumerate(table.columns)
        if _ORDERING.search(name)
    ]

    def sorted_by_columns() -> Iterator[Rows]:
        for _, at, table in sorted(columns, key=lambda column: column[0]):
            rows = sorted(table.rows, key=lambda row: str(row[at]).rjust(20))
            yield Rows(table.table, table.columns, tuple(rows))

    return _ordered(evidence, sorted_by_columns())


def known_identifiers(evidence: Evidence) -> Guesses:
    """An id or address of a person, or its plain hash, stands beside what was answered."""
    hashes = [lambda raw: raw.decode(), *(_hex(each) for each in (md5, sha1, sha256))]
    known = {
        make(identifier.encode()): person
        for person, identifiers in evidence.identifiers.items()
        for identifier in identifiers
        for make in hashes
    }
    guesses: Guesses = {}
    for table in _every_row(evidence):
        lines = [(row, _flat(row)) for row in table.rows]
        whose = {
            row: person for row, line in lines for sign, person in known.items() if sign in line
        }
        guesses |= _beside(whose, evidence)
    return guesses


def _every_row(evidence: Evidence) -> Iterator[Rows]:
    """Yield every table with all rows that it ever had."""
    kept: dict[tuple[str, tuple[str, ...]], dict[tuple[Any, ...], None]] = {}
    for state in (*evidence.states, *evidence.others, evidence.log):
        for table in state.values():
            rows = kept.setdefault((table.table, table.columns), {})
            rows |= dict.fromkeys(table.rows)
    for (name, columns), rows in kept.items():
        yield Rows(name, columns, tuple(rows))


def _hex(make: Callable[[bytes], Any]) -> Callable[[bytes], str]:
    return lambda raw: str(make(raw).hexdigest())


def _beside(whose: Mapping[tuple[Any, ...], str], evidence: Evidence) -> Guesses:
    """Return what stands in the rows that name persons: ratings only where all have one."""
    ratings = _ratings_of(Rows("", ("?",) * max(map(len, whose), default=0), tuple(whose)))
    guesses: Guesses = {}
    if len(ratings) >= 0.9 * len(evidence.answerers):
        guesses |= dict(zip(whose.values(), ratings, strict=True))
    for row, person in whose.items():
        line = _flat(row)
        guesses |= {f"words of {person}": text for text in evidence.texts if text in line}
        guesses |= {f"ballot of {person}": token for token in _tokens(line)}
    return guesses


def _tokens(text: str) -> list[str]:
    """Return what looks like a secret: as long as one, and random."""
    kinds = (str.isupper, str.islower, str.isdigit)
    return [
        found
        for found in _TOKEN.findall(text)
        if all(any(kind(character) for character in found) for kind in kinds)
    ]


def log_lines(evidence: Evidence) -> Guesses:
    """Log lines tell, in their order, ratings, words or ballots."""
    lines = evidence.lines.splitlines()
    ratings = [int(found[1]) for line in lines if (found := _RATING.search(line))]
    texts = [text for line in lines for text in evidence.texts if text in line]
    tokens = [token for line in (*lines, evidence.metrics) for token in _tokens(line)]
    return (
        _by_order(evidence.answerers, ratings)
        | _words(evidence, texts)
        | {f"ballot of {who}": s for who, s in _by_order(evidence.answerers, tokens).items()}
    )


def _counts(state: State) -> tuple[int, ...] | None:
    """Return a histogram that can be read in a state, whatever form it is kept in."""
    for table in state.values():
        for row in table.rows:
            for value in row:
                if isinstance(value, bytes) and len(value) >= _COUNTS.size:
                    counts = _COUNTS.unpack(value[-_COUNTS.size :])
                    if sum(counts) <= 10_000:
                        return counts
                if isinstance(value, str) and value.startswith("["):
                    listed = json.loads(value)
                    if len(listed) == 5 and all(type(each) is int for each in listed):
                        return tuple(listed)
    return None


def two_backups(evidence: Evidence) -> Guesses:
    """What was added between two copies belongs to those who answered between them."""
    guesses: Guesses = {}
    states = [{}, *evidence.backups, evidence.final]
    answered = [0, *evidence.answered_by, len(evidence.answerers)]
    written = [0, *evidence.written_by, len(evidence.writers)]
    for at in range(1, len(states)):
        before, after = _counts(states[at - 1]) or (0,) * 5, _counts(states[at])
        if after is not None:
            more = [b - a for a, b in zip(before, after, strict=True)]
            likely = more.index(max(more)) + 1
            guesses |= dict.fromkeys(evidence.answerers[answered[at - 1] : answered[at]], likely)
        seen = _seen(states[at - 1], evidence.texts)
        new = [text for text in _seen(states[at], evidence.texts) if text not in seen]
        between = evidence.writers[written[at - 1] : written[at]]
        guesses |= {f"words of {who}": t for who, t in zip(between, new, strict=False)}
    return guesses


def _seen(state: State, texts: Sequence[str]) -> list[str]:
    return [text for table in state.values() for text in _texts_of(table, texts)]


def history_of_commits(evidence: Evidence) -> Guesses:
    """The store's own log shows it after each commit: each change is one person's answer."""
    ratings: list[int] = []
    texts: list[str] = []
    known: tuple[int, ...] = (0,) * 5
    for state in evidence.states:
        counts = _counts(state)
        if counts is not None and sum(counts) == sum(known) + 1:
            ratings.append(next(r for r in range(1, 6) if counts[r - 1] > known[r - 1]))
            known = counts
        texts += [text for text in _seen(state, evidence.texts) if text not in texts]
    return _by_order(evidence.answerers, ratings) | _words(evidence, texts)


def raw_bytes(evidence: Evidence) -> Guesses:
    """Words lie in a file in the order in which they were written, pages and frames included."""
    guesses: Guesses = {}
    for content in evidence.files.values():
        places = {text: content.find(text.encode()) for text in evidence.texts}
        found = sorted((at, text) for text, at in places.items() if at >= 0)
        guesses = _words(evidence, [text for _, text in found]) | guesses
    return guesses


def messages(evidence: Evidence) -> Guesses:
    """Messages, in the outbox or on a topic, follow one another as the answers did."""
    guesses: Guesses = {}
    for name in ("outbox", "inbox", "records"):
        kept: dict[str, None] = {}
        for state in (*evidence.states, evidence.log):
            if name in state:
                kept |= dict.fromkeys(_flat(row) for row in state[name].rows)
        ratings = [int(found[1]) for line in kept if (found := _RATING.search(line))]
        texts = [text for line in kept for text in evidence.texts if text in line]
        guesses |= _by_order(evidence.answerers, ratings) | _words(evidence, texts)
    return guesses


ATTACKS: dict[str, Callable[[Evidence], Guesses]] = {
    attack.__name__: attack
    for attack in (
        storage_order,
        id_and_time_order,
        known_identifiers,
        log_lines,
        two_backups,
        history_of_commits,
        raw_bytes,
        messages,
    )
}
