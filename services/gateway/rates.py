"""How often somebody may call: one number per caller, and no thread behind it.

The generic cell rate algorithm: a caller's number is the time at which all his calls so far will
have been paid for at the even rate; it may lie at most a burst ahead.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from shared.http.problems import TooManyRequests

_CALLERS_AT_MOST = 50_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` calls at once after a silence, `a_second` over time."""

    name: str
    a_second: float
    burst: int


class Rates:
    """The limits of one process, kept in memory; time is the system's."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._paid_at: dict[tuple[str, str], float] = {}

    def spend(self, rate: Rate, caller: str) -> None:
        """Count one call; raise TooManyRequests, and count nothing, where it is one too many."""
        now, paid_at = self._state(rate, caller)
        each = 1 / rate.a_second
        self._refuse_beyond(rate, now, paid_at)
        if len(self._paid_at) >= _CALLERS_AT_MOST:
            self._paid_at = {who: at for who, at in self._paid_at.items() if at > now}
            if len(self._paid_at) >= _CALLERS_AT_MOST:
                self._paid_at.clear()
        self._paid_at[rate.name, caller] = paid_at + each

    def check(self, rate: Rate, caller: str) -> None:
        """Raise TooManyRequests where the next call would be one too many; count nothing."""
        self._refuse_beyond(rate, *self._state(rate, caller))

    def _state(self, rate: Rate, caller: str) -> tuple[float, float]:
        now = self._clock()
        return now, max(self._paid_at.get((rate.name, caller), now), now)

    def _refuse_beyond(self, rate: Rate, now: float, paid_at: float) -> None:
        wait = paid_at - now - (rate.burst - 1) / rate.a_second
        if wait <= 1e-9:
            return
        seconds = max(1, ceil(wait))
        problem = TooManyRequests(
            f"At most {rate.burst} at once and {rate.a_second:g} a second, evenly.",
            retry_after_seconds=seconds,
        )
        window = ceil(rate.burst / rate.a_second)
        problem.headers["RateLimit"] = f'"{rate.name}";r=0;t={seconds}'
        problem.headers["RateLimit-Policy"] = f'"{rate.name}";q={rate.burst};w={window}'
        raise problem
