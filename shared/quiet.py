"""Waiting until a whole house has nothing left to do, instead of sleeping."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

from shared.service import Quiet


class AskQuiet(Protocol):
    """Asks a part of the house whether it is quiet; `closely` also what it has not read yet."""

    def __call__(self, *, closely: bool = True) -> Awaitable[Quiet]:
        """Return what it says."""
        ...


class NotQuiet(TimeoutError):
    """The house did not come to rest in time"""


async def until_quiet(ask: Sequence[AskQuiet], *, seconds: float = 30) -> list[Quiet]:
    """Return once every part is quiet and none has done anything between two looks.

    One look is not enough: what the first part sent may still be on its way to the second. The
    first of the two need not ask the bus: what was sent before it is seen by the second, and what
    is sent after it is counted. Raises NotQuiet with the reasons.
    """
    before: list[int] | None = None
    pause = 0.001
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        closely = before is not None
        now = await asyncio.gather(*(each(closely=closely) for each in ask))
        activity = [state.activity for state in now]
        if all(state.is_quiet for state in now):
            if activity == before:
                return list(now)
            before = activity
            continue
        before = None
        if loop.time() > until:
            raise NotQuiet("; ".join(", ".join(state.reasons) for state in now if state.reasons))
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.05)
