"""The checkers find what they are for: doctored histories, each with one planted bug."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.failures.checkers import (
    Booked,
    Held,
    Step,
    agree,
    copies_agree,
    each_acknowledged_once,
    each_effect_has_a_cause,
    each_is_published,
    each_was_taken,
    first_asked_first_placed,
    first_seen,
    in_order_of_commits,
    letters_as_caused,
    never_over,
    no_overlaps,
    numbered_without_gap,
    one_acts_at_a_time,
    one_effect_per_intent,
    one_effect_per_message,
    one_partition_per_key,
    only_taking_over,
    revisions_rise,
    state_is_as_told,
    the_line_is_strict,
)
from tests.failures.history import Attempt, History

NOON = datetime(2023, 5, 1, 12, tzinfo=UTC)


def told(*entries: tuple[str, int | None, str | None, int | None]) -> History:
    """Return a history of (intent, status or None for a cut connection, id, place), one by one."""
    history = History()
    for number, (intent, status, id_, place) in enumerate(entries):
        attempt = Attempt(intent, "lend", began_at=number)
        if status is not None:
            attempt.end(status, {"id": id_, "place": place, "shelf": "s"} if id_ else {})
            attempt.ended_at = number + 0.5
        history.attempts.append(attempt)
    return history


def row(id_: str, intent: str, place: int) -> Held:
    """Return a row of the lender."""
    return Held(id_, intent, {"place": place})


def booked(id_: str, room: str, begins: int, ends: int) -> Booked:
    """Return a booking between two hours after noon."""
    return Booked(id_, room, NOON + timedelta(hours=begins), NOON + timedelta(hours=ends))


SOUND = told(
    ("a", 201, "1", 1), ("b", None, None, None), ("c", 409, None, None), ("b", 201, "2", 2)
)
HELD = [row("1", "a", 1), row("2", "b", 2)]


def steps(*words: str) -> list[Step]:
    """Return steps from words: `+a` confirmed, `^a` promoted, `-a` cancelled, `2a` waitlisted."""
    made = []
    for word in words:
        sign, who = word[0], word[1:]
        if sign.isdigit():
            made.append(Step("waitlisted", who, position=int(sign)))
        else:
            fact = "cancelled" if sign == "-" else "confirmed"
            made.append(Step(fact, who, promoted=sign == "^"))
    return made


MAIL = {("a@example.org", "confirmed"): 1}

Check = Callable[[], list[str]]

SOUND_CASES: dict[str, Check] = {
    "acknowledged": lambda: each_acknowledged_once(SOUND, "lend", HELD),
    "an unknown one that is held": lambda: each_effect_has_a_cause(
        told(("a", None, None, None)), "lend", HELD[:1]
    ),
    "an unknown one that is not held": lambda: each_acknowledged_once(
        told(("a", None, None, None)), "lend", []
    ),
    "a 5xx that is held": lambda: each_effect_has_a_cause(
        told(("a", 503, None, None)), "lend", HELD[:1]
    ),
    "repeated with one answer": lambda: one_effect_per_intent(
        told(("a", 201, "1", 1), ("a", 201, "1", 1)), "lend", HELD[:1]
    ),
    "one effect each": lambda: one_effect_per_message(["m", "n"], ["n", "m"]),
    "in order": lambda: in_order_of_commits({"k": "abc", "l": "d"}, {"k": "abc", "l": "d"}),
    "full and no more": lambda: never_over({"s": 2}, {"s": 2}),
    "numbered": lambda: numbered_without_gap("s", [2, 1, 3]),
    "placed as asked": lambda: first_asked_first_placed(SOUND, "lend", "shelf", "place"),
    "back to back": lambda: no_overlaps(
        [booked("b", "r", 1, 2), booked("a", "r", 0, 1), booked("c", "q", 0, 2)]
    ),
    "a line that moves": lambda: the_line_is_strict(
        1, steps("+a", "1b", "2c", "3d", "-c", "-a", "^b", "2e", "-b", "^d")
    ),
    "one letter each": lambda: letters_as_caused(MAIL, MAIL),
    "one leads, then the other": lambda: one_acts_at_a_time(
        [{"p": 0, "q": 0}, {"p": 5, "q": 0}, {"p": 5, "q": 3}]
    ),
    "published, one of them twice": lambda: each_is_published(["a", "b"], ["a", "b", "a"]),
    "in order but for repeats": lambda: in_order_of_commits(
        {"k": "abc"}, {"k": first_seen("abababc")}
    ),
    "taken, and more than is meant": lambda: each_was_taken("c", ["a"], ["a", "b"]),
    "two keys in two partitions": lambda: one_partition_per_key(
        [(("t", "k"), 1), (("t", "l"), 2), (("t", "k"), 1)]
    ),
    "revisions that rise or stay": lambda: revisions_rise([("a", 1), ("b", 5), ("a", 2), ("a", 2)]),
    "as told, and one of a silent state": lambda: state_is_as_told(
        {"a": "confirmed", "b": "pending"}, {"a": "confirmed"}, silent=["pending"]
    ),
    "a copy like its origin": lambda: copies_agree("rooms", {"a": 1}, {"a": 1}),
    "one takes over within a look": lambda: only_taking_over(
        [{"p": 0, "q": 0}, {"p": 5, "q": 0}, {"p": 6, "q": 3}, {"p": 6, "q": 9}]
    ),
}

PLANTED: list[tuple[str, Check]] = [
    ("lost", lambda: each_acknowledged_once(SOUND, "lend", HELD[:1])),
    ("doubled", lambda: each_acknowledged_once(SOUND, "lend", [*HELD, HELD[0]])),
    ("altered", lambda: each_acknowledged_once(SOUND, "lend", [row("1", "a", 9), HELD[1]])),
    ("causeless", lambda: each_effect_has_a_cause(SOUND, "lend", [*HELD, row("3", "z", 3)])),
    ("refused", lambda: each_effect_has_a_cause(SOUND, "lend", [*HELD, row("3", "c", 3)])),
    ("doubled", lambda: one_effect_per_intent(SOUND, "lend", [*HELD, row("3", "b", 3)])),
    (
        "unlike",
        lambda: one_effect_per_intent(
            told(("a", 201, "1", 1), ("a", 201, "2", 2)), "lend", HELD[:1]
        ),
    ),
    ("lost", lambda: one_effect_per_message(["m", "n"], ["m"])),
    ("doubled", lambda: one_effect_per_message(["m", "n"], ["m", "n", "n"])),
    ("causeless", lambda: one_effect_per_message(["m"], ["m", "n"])),
    ("disorder", lambda: in_order_of_commits({"k": "abc"}, {"k": "acb"})),
    ("disorder", lambda: in_order_of_commits({"k": "abc", "l": "de"}, {"k": "abc", "l": "ed"})),
    ("over", lambda: never_over({"s": 2, "t": 2}, {"s": 2, "t": 3})),
    ("numbers", lambda: numbered_without_gap("s", [1, 3])),
    ("numbers", lambda: numbered_without_gap("s", [1, 2, 2])),
    (
        "jumped",
        lambda: first_asked_first_placed(
            told(("a", 201, "1", 2), ("b", 201, "2", 1)), "lend", "shelf", "place"
        ),
    ),
    ("overlap", lambda: no_overlaps([booked("a", "r", 0, 2), booked("b", "r", 1, 3)])),
    (
        "overlap",  # the one in the middle ends before the third begins, the first does not
        lambda: no_overlaps(
            [booked("a", "r", 0, 9), booked("b", "q", 1, 2), booked("c", "r", 3, 4)]
        ),
    ),
    ("jumped", lambda: the_line_is_strict(1, steps("+a", "1b", "2c", "-a", "^c"))),
    ("passed", lambda: the_line_is_strict(2, steps("+a", "+b", "1c", "-b", "+d"))),
    ("over", lambda: the_line_is_strict(1, steps("+a", "+b"))),
    ("position", lambda: the_line_is_strict(1, steps("+a", "1b", "1c"))),
    ("unwritten", lambda: letters_as_caused(MAIL, {})),
    ("doubled", lambda: letters_as_caused(MAIL, {("a@example.org", "confirmed"): 2})),
    ("causeless", lambda: letters_as_caused(MAIL, {**MAIL, ("b@example.org", "confirmed"): 1})),
    ("both", lambda: one_acts_at_a_time([{"p": 0, "q": 0}, {"p": 5, "q": 1}])),
    ("unpublished", lambda: each_is_published(["a", "b"], ["a"])),
    ("causeless", lambda: each_is_published(["a"], ["a", "b"])),
    ("disorder", lambda: in_order_of_commits({"k": "abc"}, {"k": first_seen("acbabc")})),
    ("missed", lambda: each_was_taken("c", ["a", "b"], ["b"])),
    ("scattered", lambda: one_partition_per_key([(("t", "k"), 1), (("t", "k"), 2)])),
    ("revision", lambda: revisions_rise([("a", 1), ("a", 3), ("a", 2)])),
    ("torn", lambda: state_is_as_told({"a": "confirmed"}, {"a": "waitlisted"})),
    ("torn", lambda: state_is_as_told({"a": "confirmed"}, {})),
    ("torn", lambda: state_is_as_told({}, {"a": "confirmed"})),
    ("torn", lambda: state_is_as_told({"a": "pending"}, {"a": "confirmed"}, silent=["pending"])),
    ("projection", lambda: copies_agree("rooms", {"a": 1}, {"a": 2})),
    ("projection", lambda: copies_agree("rooms", {"a": 1, "b": None}, {"a": 1})),
    ("projection", lambda: copies_agree("rooms", {"a": 1}, {"a": 1, "b": 2})),
    (
        "both",
        lambda: only_taking_over([{"p": 0, "q": 0}, {"p": 5, "q": 1}, {"p": 6, "q": 3}]),
    ),
]


@pytest.mark.parametrize("check", SOUND_CASES.values(), ids=SOUND_CASES)
def test_a_sound_history_passes(check: Check) -> None:
    """What may happen, unknown outcomes included, is no violation."""
    assert check() == []


@pytest.mark.parametrize(
    ("word", "check"), PLANTED, ids=[f"{n}-{word}" for n, (word, _) in enumerate(PLANTED)]
)
def test_a_planted_bug_is_found(word: str, check: Check) -> None:
    """Each doctored history yields exactly the one violation that was planted."""
    (sentence,) = check()
    assert sentence.startswith(f"{word}:")


def test_a_failure_names_its_seed() -> None:
    """Whoever sees a violation can repeat the run."""
    agree(7, [], [])
    with pytest.raises(AssertionError, match="seed 7:\nlost: x"):
        agree(7, [], ["lost: x"])
