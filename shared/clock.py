"""Domain time: the one source of `now` for decisions, due times and dates people read."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is in the domain, and a way to wait for a later time."""

    def now(self) -> datetime:
        """Return the present instant: aware, in UTC."""
        ...

    async def reached(self, at: datetime) -> None:
        """Wait until `now()` is at or past `at`."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    async def reached(self, at: datetime) -> None:
        """Sleep towards `at` in steps of a minute at most, so that a stepped clock is noticed."""
        while True:
            left = (at - self.now()).total_seconds()
            if left <= 0:
                return
            await asyncio.sleep(min(left, 60))


class ClockRunsForwards(ValueError):
    """The replay clock only moves forwards"""


class ReplayClock:
    """A clock that stands still until it is moved, or runs on from where it stands."""

    def __init__(self, start: datetime) -> None:
        self._at = start.astimezone(UTC)
        self._running_since: float | None = None
        self._moved = asyncio.Event()

    @property
    def is_running(self) -> bool:
        """Whether the clock runs on by itself."""
        return self._running_since is not None

    def now(self) -> datetime:
        """Return the instant the clock stands at, or has run on to."""
        if self._running_since is None:
            return self._at
        elapsed = asyncio.get_running_loop().time() - self._running_since
        return datetime.fromtimestamp(self._at.timestamp() + elapsed, UTC)

    def move(self, to: datetime) -> None:
        """Set the clock to `to`; raise ClockRunsForwards if that is earlier than now."""
        if to < self.now():
            raise ClockRunsForwards(f"the clock is at {self.now().isoformat()} already")
        self._at = to.astimezone(UTC)
        if self._running_since is not None:
            self._running_since = asyncio.get_running_loop().time()
        self._wake()

    def run_on(self) -> None:
        """Let the clock run at the speed of ordinary time from where it stands."""
        if self._running_since is None:
            self._running_since = asyncio.get_running_loop().time()
            self._wake()

    async def reached(self, at: datetime) -> None:
        """Wait until the clock was moved, or has run on, to `at`."""
        while (left := (at - self.now()).total_seconds()) > 0:
            moved = self._moved
            if self.is_running:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(left, 60)):
                        await moved.wait()
            else:
                await moved.wait()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
