"""How tasks are ended: cancelled until they have."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 5.0
"""Longer than any task takes to let go of what it holds."""


async def end(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks and wait for them; what they raise is nobody's any more.

    Before Python 3.12 `asyncio.wait_for`, which libraries use, forgets a cancellation that comes
    with its result: such a task goes on, and is cancelled again.
    """
    waits = set(tasks)
    while waits:
        for task in waits:
            task.cancel()
        done, waits = await asyncio.wait(waits, timeout=AGAIN_SECONDS)
        for task in done:
            if not task.cancelled():
                task.exception()
