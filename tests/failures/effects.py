"""What must hold of the effects of messages: small checkers, proven in `test_effects.py`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tests.failures.letters import Ended


def quotes_as_told(standing: Iterable[str], shown: Iterable[str]) -> list[str]:
    """Exactly the quotes that stand are shown (I12, I20)."""
    wanted, found = set(standing), set(shown)
    return [
        *(f"withdrawn: {name} is still told" for name in sorted(found - wanted)),
        *(f"lost: {name} stands and is not told" for name in sorted(wanted - found)),
    ]


def letters_as_taken(
    boxes: Iterable[str],
    ended: Iterable[Ended],
    taken: Mapping[str, int],
    expected: Mapping[str, Sequence[str]],
) -> list[str]:
    """Each cause has one delivery, which says truly what the mail server has (I14).

    `expected` gives, for a mailbox, the outcomes that are right there: `sent`, or the reason of a
    failure. A mail that the server may have twice is wrong whatever the delivery says.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for each in ended:
        found[each.box].append(each.outcome)
    wrong = []
    for box in boxes:
        outcomes, mails = found[box], taken.get(box, 0)
        if len(outcomes) != 1:
            wrong.append(f"deliveries: {box} has {len(outcomes)}")
            continue
        (outcome,) = outcomes
        if mails > 1:
            wrong.append(f"doubled: {box} was sent {mails} mails")
        if outcome == "sent" and mails == 0:
            wrong.append(f"lost: {box} has none and its delivery says sent")
        if outcome not in ("sent", "in-doubt") and mails:
            wrong.append(f"hidden: {box} has a mail and its delivery says {outcome}")
        if outcome not in expected.get(box, ("sent",)):
            wrong.append(f"outcome: the letter to {box} ended as {outcome}")
    return wrong


def parked_as_told(
    consumer: str, expected: Mapping[str, bool | None], found: Mapping[str, str], counted: int
) -> list[str]:
    """A consumer parked exactly what it must (None: may), with a reason, and counted it (I13)."""
    wrong = []
    for name, must in expected.items():
        if must and name not in found:
            wrong.append(f"lost: {consumer} did not park {name}")
    for name, reason in found.items():
        if name not in expected:
            wrong.append(f"parked: {consumer} parked {name} for {reason}")
        if not reason.strip():
            wrong.append(f"unsaid: {consumer} parked {name} without a reason")
    if counted != len(found):
        wrong.append(f"uncounted: {consumer} parked {len(found)} and counted {counted}")
    return wrong


def told_once(acknowledged: Iterable[str], told: Sequence[tuple[str, str]]) -> list[str]:
    """Each acknowledged thing is told of by one message, however often that lies on the topic.

    `told` are subjects with the ids of their messages (I7; a message may be repeated, not doubled).
    """
    ids: dict[str, set[str]] = defaultdict(set)
    for subject, message_id in told:
        ids[subject].add(message_id)
    wanted = set(acknowledged)
    return [
        *(f"untold: {each} was acknowledged" for each in sorted(wanted - ids.keys())),
        *(f"causeless: {each} was told of" for each in sorted(ids.keys() - wanted)),
        *(f"told twice: {each}" for each in sorted(wanted) if len(ids[each]) > 1),
    ]


def same_effects(expected: Counter[str], found: Counter[str]) -> list[str]:
    """What came of a disturbed telling is what came of the undisturbed one (I8, I10, I12)."""
    return [
        *(f"missing: {line[:200]}" for line in sorted((expected - found).keys())),
        *(f"too much: {line[:200]}" for line in sorted((found - expected).keys())),
    ]
