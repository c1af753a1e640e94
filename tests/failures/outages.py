"""What must hold while a server is away: answers as they should be, and logs that can be read."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import httpx2

from tests.failures.history import Attempt

AVERAGED_SECONDS = 10
FEW_LINES_A_SECOND = 30
"""A process that has lost a server says so; more than this, averaged over ten seconds, floods."""
LONGEST_ANSWER_SECONDS = 35.0
"""Whoever asks is answered by then at the latest: a unit of work waits for a connection so long."""
PROBE_EVERY_SECONDS = 0.3


@dataclass(frozen=True)
class Probe:
    """An answer to a plain GET, and how long it took; status none: the connection was cut."""

    path: str
    at: float
    seconds: float
    status: int | None
    retry_after: str | None = None


@dataclass
class Probes:
    """Asks addresses over and over, and keeps what they said."""

    addresses: Sequence[str]
    found: list[Probe] = field(default_factory=list)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Ask meanwhile."""
        stop = asyncio.Event()
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
            asking = [asyncio.create_task(self._ask(client, each, stop)) for each in self.addresses]
            try:
                yield
            finally:
                stop.set()
                await asyncio.gather(*asking)

    async def _ask(self, client: httpx2.AsyncClient, address: str, stop: asyncio.Event) -> None:
        while not stop.is_set():
            began = time.monotonic()
            status, after = None, None
            try:
                answer = await client.get(address)
                status, after = answer.status_code, answer.headers.get("Retry-After")
            except httpx2.HTTPError:
                pass
            self.found.append(Probe(address, began, time.monotonic() - began, status, after))
            await asyncio.sleep(PROBE_EVERY_SECONDS)


def never_refused(history: Sequence[Attempt], since: float, until: float) -> list[str]:
    """Whoever asked between two instants got an answer, and it was none for the house's sake."""
    return [
        f"failed: {each.intent} was answered {each.status or 'by nobody'}"
        for each in history
        if since <= each.began_at <= until and (each.status is None or each.status >= 500)
    ]


def refused_properly(probes: Iterable[Probe]) -> list[str]:
    """Whoever asked was served, or told 503 and when to come again; and did not wait for ever."""
    wrong = []
    for each in probes:
        if each.status is None or (each.status >= 500 and each.status != 503):
            wrong.append(f"rude: {each.path} was answered {each.status or 'by nobody'}")
        elif each.status == 503 and not (each.retry_after or "").isdigit():
            wrong.append(f"rude: {each.path} was refused and not told when to come again")
        if each.seconds > LONGEST_ANSWER_SECONDS:
            wrong.append(f"slow: {each.path} took {each.seconds:.0f} s")
    return wrong


def only_statuses(history: Iterable[Attempt], *served: int) -> list[str]:
    """Writers were answered with one of these, or with 503, or not at all."""
    found = Counter(each.status for each in history)
    return [
        f"rude: {count} requests were answered {status}"
        for status, count in found.items()
        if status not in (*served, 503, None)
    ]


def floods(logs: Mapping[str, str], limit: float = FEW_LINES_A_SECOND) -> list[str]:
    """Say which logs had more lines in ten seconds than somebody could read, traffic apart."""
    wrong = []
    for name, text in logs.items():
        written = Counter(filter(None, map(_decade_of, text.splitlines())))
        wrong += [
            f"flood: {name} wrote {count} lines in {AVERAGED_SECONDS} s"
            for count in written.values()
            if count > limit * AVERAGED_SECONDS
        ]
    return wrong


def _decade_of(line: str) -> int | None:
    """Return in which ten seconds a line was written; None for those that traffic makes."""
    try:
        told = json.loads(line)
        if told.get("event") in ("request", "message"):
            return None
        return int(datetime.fromisoformat(told["timestamp"]).timestamp()) // AVERAGED_SECONDS
    except (ValueError, KeyError, AttributeError):
        return 1  # what has no time is a traceback: all of them together are soon too many
