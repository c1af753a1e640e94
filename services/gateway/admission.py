"""A bounded queue before the writers: who comes when it is full is turned away at once."""

import asyncio
from collections import deque

from shared.http.problems import QueueFull
from shared.observability.metrics import Metrics


class Admission:
    """Lets `in_flight` requests in at once and `waiting` more wait, first come first served."""

    def __init__(
        self, in_flight: int, waiting: int, *, patience_seconds: float, metrics: Metrics
    ) -> None:
        self._free = in_flight
        self._places = waiting
        self._patience = patience_seconds
        self._line: deque[asyncio.Future[None]] = deque()
        self._waiting = metrics.admission_waiting.labels("gateway")
        self._refused = metrics.admission_refused.labels("gateway")

    async def enter(self) -> None:
        """Take a place, perhaps after waiting; each entry needs its `leave`. Raises QueueFull."""
        if self._free > 0:
            self._free -= 1
            return
        if len(self._line) >= self._places:
            self._refused.inc()
            raise QueueFull("Too many requests wait already; nothing was done.")
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        self._waiting.set(len(self._line))
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.done() and not turn.cancelled():
                self.leave()  # the place came at the very moment the caller went
            if isinstance(error, asyncio.CancelledError):
                raise
            self._refused.inc()
            raise QueueFull("The wait was too long; nothing was done.") from None
        finally:
            if turn in self._line:
                self._line.remove(turn)
            self._waiting.set(len(self._line))

    def leave(self) -> None:
        """Give the place to the next in line, or back."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
