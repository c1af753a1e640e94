"""The envelope of a message: CloudEvents 1.0 attributes as Kafka headers (binary binding)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

SPECVERSION = b"1.0"
LONGEST_ATTRIBUTE = 2048
"""Bytes that one attribute may have; CloudEvents asks nobody to carry more."""
LONGEST_ID = 255
LARGEST_SEQUENCE = 2**63 - 1

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""CloudEvents allows none, and PostgreSQL keeps no text with a NUL in it."""
_ATTRIBUTES = frozenset(
    {
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_specversion",
        "ce_time",
        "ce_subject",
        "ce_dataschema",
        "ce_sequence",
        "ce_causationid",
        "content-type",
        "traceparent",
    }
)


class MalformedEnvelope(ValueError):
    """The headers are not those of a CloudEvents 1.0 message."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who said what kind of thing, about whom, when, and because of which message."""

    id: str
    """Unique for ever; UUIDv7, or UUIDv4 where an order would tell a secret."""
    source: str
    """Absolute URI of the installation and service that said it."""
    type: str
    """`se.andan.<service>.<aggregate>.<fact>.v1`."""
    time: datetime
    """Domain time of the fact; aware, UTC."""
    subject: str | None = None
    """What it is about, such as a registration, where that is not the key."""
    dataschema: str | None = None
    """Relative URI of the body's JSON Schema."""
    sequence: int | None = None
    """Revision of the aggregate: a projection drops what is older than it knows."""
    causationid: str | None = None
    """Id of the message that caused this one."""
    traceparent: str | None = None
    """W3C trace context; never on survey topics."""
    content_type: str | None = "application/json"

    def to_headers(self) -> list[tuple[str, bytes]]:
        """Return the headers, in a fixed order; what is None is left out.

        Raises `ValueError` for a time without an offset: no zone is guessed.
        """
        if self.time.tzinfo is None:
            raise ValueError("The time of an envelope is aware.")
        moment = self.time.astimezone(UTC).replace(tzinfo=None)
        headers = [
            ("ce_specversion", SPECVERSION),
            ("ce_id", self.id.encode()),
            ("ce_source", self.source.encode()),
            ("ce_type", self.type.encode()),
            ("ce_time", (moment.isoformat(timespec="microseconds") + "Z").encode()),
        ]
        if self.subject is not None:
            headers.append(("ce_subject", self.subject.encode()))
        if self.dataschema is not None:
            headers.append(("ce_dataschema", self.dataschema.encode()))
        if self.sequence is not None:
            headers.append(("ce_sequence", str(self.sequence).encode()))
        if self.causationid is not None:
            headers.append(("ce_causationid", self.causationid.encode()))
        if self.content_type is not None:
            headers.append(("content-type", self.content_type.encode()))
        if self.traceparent is not None:
            headers.append(("traceparent", self.traceparent.encode()))
        return headers

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes | None]]) -> "Envelope":
        """Return the envelope that `headers` carry; headers of others are passed over.

        Raises `MalformedEnvelope` with a sentence that names the header and never its value. A
        traceparent that is none is dropped: a broken trace stops no message.
        """
        found = _attributes(headers)
        if found.get("ce_specversion") != "1.0":
            raise MalformedEnvelope("ce_specversion is missing or not 1.0.")
        sequence = found.get("ce_sequence")
        trace = found.get("traceparent")
        return cls(
            _required(found, "ce_id", LONGEST_ID),
            _required(found, "ce_source", LONGEST_ATTRIBUTE),
            _required(found, "ce_type", LONGEST_ID),
            _moment(found),
            found.get("ce_subject"),
            found.get("ce_dataschema"),
            None if sequence is None else _whole_number(sequence),
            found.get("ce_causationid"),
            trace if trace is not None and _TRACEPARENT.fullmatch(trace) else None,
            found.get("content-type"),
        )


def _attributes(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name not in _ATTRIBUTES:
            continue
        if name in found:
            raise MalformedEnvelope(f"{name} stands twice.")
        if value is None or len(value) > LONGEST_ATTRIBUTE:
            raise MalformedEnvelope(f"{name} has no value or one above {LONGEST_ATTRIBUTE} bytes.")
        try:
            found[name] = value.decode()
        except UnicodeDecodeError:
            raise MalformedEnvelope(f"{name} is not UTF-8.") from None
        if found[name].isprintable():  # almost always, and quickly told
            continue
        if name != "traceparent" and _CONTROL.search(found[name]):
            raise MalformedEnvelope(f"{name} holds control characters.")
    return found


def _required(found: dict[str, str], name: str, longest: int) -> str:
    value = found.get(name)
    if not value or len(value) > longest:
        raise MalformedEnvelope(f"{name} is missing, empty or longer than {longest} characters.")
    return value


def _moment(found: dict[str, str]) -> datetime:
    try:
        moment = datetime.fromisoformat(found["ce_time"])
    except (KeyError, ValueError):
        raise MalformedEnvelope("ce_time is missing or no RFC 3339 instant.") from None
    if moment.tzinfo is None:
        raise MalformedEnvelope("ce_time has no offset from UTC.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise MalformedEnvelope("ce_time lies outside the years 1 to 9999.") from None


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise MalformedEnvelope("ce_sequence is no whole number.")
    number = int(text)
    if number > LARGEST_SEQUENCE:
        raise MalformedEnvelope("ce_sequence does not fit into 63 bits.")
    return number
