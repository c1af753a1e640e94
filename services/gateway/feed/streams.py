"""The live feed: who holds a stream open, for how long, and what it is sent."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from fastapi.sse import ServerSentEvent

from services.gateway.feed.bell import Bell
from services.gateway.feed.cursors import Cursor
from services.gateway.feed.reading import WINDOW, look
from shared.http.problems import QueueFull, TooManyRequests, Unavailable
from shared.security.principal import Principal
from shared.store import Store

LOOK_EVERY_SECONDS: Final = 1.0
"""How long another process's commit may go unseen: its bell does not ring here."""
REST_SECONDS: Final = 0.1
"""Looks of one stream are no closer: in a rush each brings many; a lone message comes at once."""
AT_ONCE: Final = 100
COME_BACK_MS: Final = 2_000
TRY_AGAIN_SECONDS: Final = 10

Counts = Callable[[Principal], Awaitable[bool]]

log = structlog.get_logger()


class Streams:
    """The streams of this process; `counts` tells whether a caller's credentials still do."""

    def __init__(
        self, store: Store, bell: Bell, counts: Counts, *, per_key: int, at_once: int, proof: float
    ) -> None:
        self._store = store
        self._bell = bell
        self._counts = counts
        self._per_key = per_key
        self._at_once = at_once
        self._proof_seconds = proof
        self._open: Counter[str] = Counter()
        self._closed = asyncio.Event()

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open.total()

    def close(self) -> None:
        """End every stream where it stands and begin no other: clients go on elsewhere."""
        self._closed.set()
        self._bell.ring()

    @contextmanager
    def admit(self, principal: Principal) -> Iterator[None]:
        """Hold a place for one stream; raises TooManyRequests, QueueFull or Unavailable."""
        if self._closed.is_set():
            raise Unavailable("This process is about to stop.", reasons=["gateway"])
        if self._open[principal.id] >= self._per_key:
            raise TooManyRequests(
                f"These credentials hold {self._per_key} streams open already.",
                retry_after_seconds=TRY_AGAIN_SECONDS,
            )
        if self.open >= self._at_once:
            raise QueueFull("Too many streams are open.", retry_after_seconds=TRY_AGAIN_SECONDS)
        self._open[principal.id] += 1
        try:
            yield
        finally:
            self._open[principal.id] -= 1
            self._open += Counter()

    async def follow(self, opened: "Opened") -> AsyncIterator[ServerSentEvent]:
        """Yield every message after a place as it comes, until somebody ends it.

        Each look is a short read of its own, at most a hundred rows: who reads slowly holds those
        and nothing else.
        """
        yield ServerSentEvent(comment="the feed", retry=COME_BACK_MS)
        after = told = opened.after
        proof = _Proof(self._counts, opened.principal, self._proof_seconds)
        while not self._closed.is_set():
            rung, rested = self._bell.listen(), _now() + REST_SECONDS
            try:
                async with self._store.read() as reader:
                    found = await look(reader, after, opened.types, AT_ONCE)
                is_good = await proof.holds()
            except Exception as error:  # noqa: BLE001 -- half an answer is out: end it, and be asked again
                log.warning("feed.stream_ended", error=type(error).__name__)
                return
            if not is_good:
                return
            for each in found.items:
                yield ServerSentEvent(raw_data=each.text, id=str(each.after))
                if self._closed.is_set() or not await proof.holds():
                    return
                told = each.after
            after = found.after
            if after.position - told.position >= WINDOW:
                yield ServerSentEvent(comment="nothing for you", id=str(after))
                told = after
            if not found.more:
                await _rung(rung, LOOK_EVERY_SECONDS)
                await asyncio.sleep(max(0.0, rested - _now()))


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that was let in: whose, from where on, and which types."""

    principal: Principal
    after: Cursor
    types: Collection[str]


class _Proof:
    """Asks now and then whether a caller may still listen."""

    def __init__(self, counts: Counts, principal: Principal, seconds: float) -> None:
        self._counts = counts
        self._principal = principal
        self._seconds = seconds
        self._next = _now() + seconds

    async def holds(self) -> bool:
        """Tell whether the credentials counted when last looked up, at most `seconds` ago."""
        if _now() < self._next:
            return True
        self._next = _now() + self._seconds
        return await self._counts(self._principal)


async def _rung(bell: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        return


def _now() -> float:
    return asyncio.get_running_loop().time()
