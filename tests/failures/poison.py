"""Records that no consumer can make anything of, or that look as if: by table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from shared.contracts.topics import TOPICS
from shared.ids import new_id
from shared.messaging.subscription import Subscription
from shared.testing.contract_kit import FULL, FUTURE, records

Outcome = Literal["parked", "parked by who handles it", "taken"]
"""What must become of a record: parked by everybody who reads the topic; parked by whoever handles
its type and passed over by others; or just never in the way of the next one."""
Headers = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Broken:
    """A record as it is written to Kafka, and why it is broken."""

    fault: str
    outcome: Outcome
    type: str
    topic: str
    key: bytes | None
    headers: Headers
    body: bytes | None

    @property
    def id(self) -> str:
        """The id that it claims."""
        return dict(self.headers).get("ce_id", b"").decode("utf-8", "replace")


def _header(name: str, value: bytes | None) -> Callable[[Broken], Broken]:
    """Return what sets a header, or takes it away."""

    def spoil(it: Broken) -> Broken:
        others = [each for each in it.headers if each[0] != name]
        return replace(it, headers=others if value is None else [*others, (name, value)])

    return spoil


def _body(value: bytes | None) -> Callable[[Broken], Broken]:
    return lambda it: replace(it, body=value)


def _key(value: bytes | None) -> Callable[[Broken], Broken]:
    return lambda it: replace(it, key=value)


def _twice(it: Broken) -> Broken:
    return replace(it, headers=[*it.headers, ("ce_id", b"another")])


def _nul_in_words(it: Broken) -> Broken:
    """Put a control character into each value that is text; ids stay."""
    body = it.body or b""
    return replace(it, body=body.replace(b'": "', b'": "\\u0000\\u0007'))


def _future(it: Broken) -> Broken:
    """Take the sample that has fields which nobody knows yet."""
    (sample,) = (each for each in records(it.type) if each.name == FUTURE)
    return replace(it, body=sample.body)


FAULTS: Final[Sequence[tuple[str, Outcome, Callable[[Broken], Broken]]]] = (
    ("a header that is not UTF-8", "parked", _header("ce_subject", b"\xff\xfe")),
    ("no id", "parked", _header("ce_id", None)),
    ("an empty id", "parked", _header("ce_id", b"")),
    ("two ids", "parked", _twice),
    ("an id with control characters", "parked", _header("ce_id", b"a\x00b\x1b[0m")),
    ("a subject with control characters", "parked", _header("ce_subject", b"a\x00b")),
    ("a type with control characters", "parked", _header("ce_type", b"se.andan\x00.x")),
    ("no type", "parked", _header("ce_type", None)),
    ("a type that nobody knows", "parked", _header("ce_type", b"se.andan.nobody.knew.v1")),
    ("no specversion", "parked", _header("ce_specversion", None)),
    ("another specversion", "parked", _header("ce_specversion", b"0.3")),
    ("no time", "parked", _header("ce_time", None)),
    ("a time that is none", "parked", _header("ce_time", b"yesterday")),
    ("a time without an offset", "parked", _header("ce_time", b"2026-11-24T12:00:00")),
    ("a sequence below zero", "parked", _header("ce_sequence", b"-1")),
    ("a sequence beyond 63 bits", "parked", _header("ce_sequence", b"9223372036854775808")),
    ("a source that is too long", "parked", _header("ce_source", b"x" * 3000)),
    ("no headers at all", "parked", lambda it: replace(it, headers=[])),
    ("a body that is no JSON", "parked by who handles it", _body(b"{oops")),
    ("a body that is not UTF-8", "parked by who handles it", _body(b'{"a": "\xff\xfe"}')),
    ("an empty body", "parked by who handles it", _body(b"")),
    ("no body", "parked by who handles it", _body(None)),
    ("a list", "parked by who handles it", _body(b"[]")),
    ("no field", "parked by who handles it", _body(b"{}")),
    ("a pit of brackets", "parked by who handles it", _body(b"[" * 100_000)),
    ("a body of a megabyte", "parked by who handles it", _body(b"[" + b'"' * 1_046_000)),
    ("control characters in words", "taken", _nul_in_words),
    ("fields from the future", "taken", _future),
    ("the key of another", "taken", _key(b"another")),
    ("a key that is not UTF-8", "taken", _key(b"\xff\xfe\x00")),
    ("no key", "taken", _key(None)),
)


def sound(type_: str, fault: str = "", outcome: Outcome = "taken") -> Broken:
    """Return a sample of a type as if it were told now, with an id of its own."""
    (sample,) = (each for each in records(type_) if each.name == FULL)
    envelope = replace(sample.envelope, id=new_id(), time=datetime.now(UTC))
    headers = envelope.to_headers()
    return Broken(fault, outcome, type_, sample.topic, sample.key, headers, sample.body)


def broken_for(subscription: Subscription) -> Iterator[Broken]:
    """Return every fault on every topic that a subscription reads."""
    for topic in subscription.topics:
        kinds = [kind for kind in subscription.messages.values() if kind.topic == topic]
        kind = min(kinds, key=lambda each: (each.tombstone, each.type))
        for fault, outcome, spoil in FAULTS:
            it = spoil(sound(kind.type, fault, outcome))
            if it.key is None and TOPICS[topic].compacted:
                continue  # Kafka takes no record without a key there
            yield it


def parks(subscription: Subscription, it: Broken) -> bool | None:
    """Say whether a subscription must park a record; None where it may."""
    if it.topic not in subscription.topics:
        return False
    if it.outcome == "parked":
        return True
    if it.type not in subscription.handlers:
        return False
    return True if it.outcome == "parked by who handles it" else None


def sentinels(subscription: Subscription) -> list[Broken]:
    """Return one sound message for each topic that a subscription reads."""
    kinds = subscription.messages.values()
    return [
        sound(min(kind.type for kind in kinds if kind.topic == topic))
        for topic in subscription.topics
    ]
