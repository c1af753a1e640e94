"""Turns: what a rush on one row leaves to everybody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from shared.store import Store, Work
from shared.store.turns import AT_ONCE, Turns
from shared.testing.fixtures import MakeStore
from tests.toy.lender.service import PARTS

MANY = 12


@pytest.mark.anyio
async def test_a_few_at_a_time_and_in_the_order_in_which_they_came() -> None:
    """No more than a few have a turn at once, and whoever came first has it first."""
    turns = Turns()
    served: list[int] = []
    inside = most = 0

    async def one(number: int) -> None:
        nonlocal inside, most
        turn = await turns.wait("a")
        served.append(number)
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        turn.release()

    await asyncio.gather(*(one(number) for number in range(MANY)))
    assert served == list(range(MANY))
    assert most == AT_ONCE


@pytest.mark.anyio
async def test_what_nobody_wants_any_more_is_forgotten() -> None:
    """Names are not kept for ever."""
    turns = Turns()
    turn = await turns.wait("a")
    assert len(turns._wanted) == 1
    turn.release()
    del turn
    assert len(turns._wanted) == 0


@asynccontextmanager
async def _ending(store: Store, how: str) -> AsyncIterator[Work]:
    work = store.begin()
    await work.take_turn("a")
    yield work
    await (work.finish() if how == "finish" else work.abandon())


@pytest.mark.anyio
@pytest.mark.postgres
@pytest.mark.parametrize("how", ["finish", "abandon"])
async def test_a_rush_on_one_thing_leaves_connections_to_others(
    make_store: MakeStore, how: str
) -> None:
    """Units that wait for their turn have no connection; each gives its turn back at its end."""
    store = await make_store("postgresql", PARTS.migrations, service="lender")

    async def one() -> None:
        async with _ending(store, how) as work:
            await work.execute(text("SELECT pg_advisory_xact_lock(1)"))
            pool = store.engines.writer.pool
            assert pool.checkedout() <= AT_ONCE  # type: ignore[attr-defined]  # a queue's pool
            await asyncio.sleep(0.005)

    async with asyncio.timeout(30):
        await asyncio.gather(*(one() for _ in range(MANY)))
