"""A clock that goes on like the machine's, and can be stepped both ways meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta

LOOK_EVERY_SECONDS = 0.02


class SteppedClock:
    """Domain time: the machine's, and what it was stepped by. Nobody is told of a step."""

    def __init__(self, start: datetime | None = None) -> None:
        self.ahead = timedelta() if start is None else start - datetime.now(UTC)

    def now(self) -> datetime:
        """Return the present instant of this clock."""
        return datetime.now(UTC) + self.ahead

    def step(self, by: timedelta) -> None:
        """Set the clock forwards, or backwards."""
        self.ahead += by

    async def reached(self, at: datetime) -> None:
        """Wait until it is past `at`; as the system's clock, it looks again now and then."""
        while (left := (at - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, LOOK_EVERY_SECONDS))
