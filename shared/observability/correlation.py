"""Carries the thread from a request to its last effect: request id, cause and W3C trace context."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the HTTP request that is being answered."""

causation_id: ContextVar[str | None] = ContextVar("causation_id", default=None)
"""The id of the message that is being handled."""

traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""The W3C traceparent of the work at hand; what it publishes or calls carries it on."""


@contextmanager
def untraced() -> Iterator[None]:
    """Let what is published meanwhile carry no trace: it would tie together what must not be."""
    token = traceparent.set(None)
    try:
        yield
    finally:
        traceparent.reset(token)


_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MAX_CHARACTERS: Final = 256


class Trace(NamedTuple):
    """A traceparent, taken apart."""

    trace_id: str
    parent_id: str
    flags: str

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.parent_id}-{self.flags}"


def parse_traceparent(text: str | None) -> Trace | None:
    """Read a traceparent header; None for what the W3C recommendation says to ignore."""
    if text is None or len(text) > _MAX_CHARACTERS:
        return None
    match = _FORM.fullmatch(text)
    if match is None or match[1] == "ff" or (match[1] == "00" and match[5]):
        return None
    if not match[2].strip("0") or not match[3].strip("0"):
        return None
    return Trace(match[2], match[3], match[4])


def continue_trace(text: str | None) -> Trace:
    """Return the next step of a trace: the same trace with a new parent, or a new trace."""
    given = parse_traceparent(text)
    parent_id = secrets.token_hex(8)
    if given is None:
        return Trace(secrets.token_hex(16), parent_id, "00")
    return given._replace(parent_id=parent_id)
