"""What one process puts off, another does: the leader of a store hears of it at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.clock import SystemClock
from shared.store import Store, Work
from shared.store.leader import Leadership
from shared.store.scheduler import Due, Scheduler, in_one_work
from shared.testing.fixtures import MakeUrl
from tests.toy.lender.service import PARTS

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

SOON = 20.0
"""Well below the minute after which a scheduler looks in any case."""


async def opened(url: str) -> Store:
    """Open a store of the toy as a process of its own would."""
    store = Store(
        url,
        service="toy",
        source="https://test.example",
        clock=SystemClock(),
        migrations=Path(PARTS.migrations),
    )
    await store.open()
    return store


async def test_the_leader_hears_what_another_process_puts_off(make_url: MakeUrl) -> None:
    """Due at once or soon, it is done at once or then, though the leader waited for nothing."""
    url = await make_url("postgresql")
    leader, other = await opened(url), await opened(url)
    done: dict[str, datetime] = {}
    is_done = asyncio.Event()

    async def note(_: Work, row: Due) -> None:
        done[row.key] = datetime.now(UTC)
        if len(done) == 2:
            is_done.set()

    scheduler = Scheduler(leader, {"note": in_one_work(note)})
    async with Leadership(leader).hold():
        running = asyncio.create_task(scheduler.run())
        try:
            await asyncio.sleep(0.5)  # it waits by now, and for nothing
            async with other.work() as work:
                soon = work.now + timedelta(seconds=1)
                await work.later("note", "now", work.now)
                await work.later("note", "soon", soon)
            async with asyncio.timeout(SOON):
                await is_done.wait()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert list(done) == ["now", "soon"]
    assert done["soon"] >= soon
    await leader.close()
    await other.close()
