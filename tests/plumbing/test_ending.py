"""Tasks that are ended do end, also where a cancellation is forgotten."""

import asyncio

import pytest

from shared import ending
from shared.ending import end

pytestmark = pytest.mark.anyio


async def test_a_task_that_forgets_a_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a library does that gets what it waits for and a cancellation at the same time."""
    monkeypatch.setattr(ending, "AGAIN_SECONDS", 0.01)
    forgotten = 0

    async def forgets() -> None:
        nonlocal forgotten
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if forgotten == 2:
                    raise
                forgotten += 1

    task = asyncio.create_task(forgets())
    await asyncio.sleep(0)
    await end([task])
    assert task.cancelled()
    assert forgotten == 2


async def test_what_an_ended_task_raises_disturbs_nobody() -> None:
    """Neither the one who ends it, nor the log, which tells what nobody has looked at."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    async def fails() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise RuntimeError("no")

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await end([task])
    del task
    assert told == []
