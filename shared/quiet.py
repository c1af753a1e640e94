"""Waiting until a whole house has nothing left to do, instead of sleeping."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.service import Quiet

AskQuiet = Callable[[], Awaitable[Quiet]]


class NotQuiet(TimeoutError):
    """The house did not come to rest in time"""


async def until_quiet(ask: Sequence[AskQuiet], *, seconds: float = 30) -> list[Quiet]:
    """Return once every part is quiet and none has done anything between two looks.

    One look is not enough: what the first part sent may still be on its way to the second. Raises
    NotQuiet with the reasons.
    """
    before: list[Quiet] = []
    pause = 0.001
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        now = list(await asyncio.gather(*(each() for each in ask)))
        if all(state.is_quiet for state in now):
            if [state.activity for state in before] == [state.activity for state in now]:
                return now
            before = now
            continue
        before = []
        if loop.time() > until:
            raise NotQuiet("; ".join(", ".join(state.reasons) for state in now if state.reasons))
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.05)
