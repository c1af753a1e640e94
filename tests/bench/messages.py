"""Messages in great number: what services would say of many houses, encoded and quickly made."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from shared.contracts.envelope import Envelope
from shared.contracts.events import RegistrationAttended
from shared.contracts.words import Sector
from shared.ids import new_id
from shared.messaging.appender import OutboxRecord
from tests.reporting.logs import invented
from tests.reporting.projection import envelope

HOUSE = 10_000
"""Messages of one invented house; the next house says the same of other things."""
EVENTS = 120
_IDS = re.compile(
    rb'("(?:event|registration|booking|survey|count|quote|venue|room|organisation)_id":")'
)


def houses(how_many: int) -> Iterator[OutboxRecord]:
    """Yield so many messages of invented years, of house after house, as they lie on topics."""
    patterns = _patterns()
    left = how_many
    for number in count():
        house = f"h{number}-".encode()
        for topic, key, parts, headers in patterns:
            if not left:
                return
            left -= 1
            body = None if parts is None else house.join(parts)
            yield OutboxRecord(topic, house + key, body, _said(headers, house))


Pattern = tuple[str, bytes, list[bytes] | None, list[tuple[str, bytes]]]
"""Topic, key, the body cut where an id begins, headers."""


def _said(headers: list[tuple[str, bytes]], house: bytes) -> list[tuple[str, bytes]]:
    return [
        (name, new_id().encode() if name == "ce_id" else value)
        if name != "ce_subject"
        else (name, house + value)
        for name, value in headers
    ]


def _patterns() -> list[Pattern]:
    """Return one house: a message's ids are what differs in the next one."""
    patterns: list[Pattern] = []
    for seed in count():
        for record in invented(seed, size=20):
            if len(patterns) == HOUSE:
                return patterns
            parts = None if record.body is None else _cut(record.body)
            headers = envelope(record).to_headers()
            patterns.append((record.topic, record.key.encode(), parts, headers))
    raise AssertionError("there is always another seed")


def _cut(body: bytes) -> list[bytes]:
    """Cut a body behind each `"…_id":"`."""
    parts = _IDS.split(body)
    cut = [parts[0]]
    for name, rest in zip(parts[1::2], parts[2::2], strict=True):
        cut[-1] += name
        cut.append(rest)
    return cut


def attended(how_many: int) -> Iterator[OutboxRecord]:
    """Yield so many registrations that came, over many events; one row each in reporting."""
    sectors = list(Sector)
    for number in range(how_many):
        event_id = str(UUID(int=number % EVENTS + 1, version=4))
        message = RegistrationAttended(
            event_id=event_id,
            registration_id=new_id(),
            year=2026,
            people=1,
            sector=sectors[number % len(sectors)],
            language="sv",
        )
        yield OutboxRecord(message.topic, event_id.encode(), message.encode(), _headers(message))


def _headers(message: RegistrationAttended) -> list[tuple[str, bytes]]:
    return Envelope(
        id=new_id(),
        source="https://bench.example",
        type=message.type,
        time=datetime.now(UTC),
        subject=message.subject(),
        dataschema=message.dataschema(),
        sequence=2,
    ).to_headers()
