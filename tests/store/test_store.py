"""What a unit of work promises, on both databases."""

import asyncio
import random
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import col

from shared.store import Store
from shared.store.plumbing import due, outbox
from shared.store.work import shielded
from shared.testing.fixtures import DIALECTS, MakeStore, MakeUrl
from tests.toy.lender.service import PARTS, Loan, Shelf, ShelfFull, TakePlace, take_place

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("dialect", DIALECTS)]


@pytest.fixture
async def store(dialect: str, make_store: MakeStore) -> Store:
    """Return a lender's store with one shelf of three places."""
    store = await make_store(dialect, PARTS.migrations, service="lender")
    async with store.work() as work:
        work.add(Shelf(id="s", capacity=3, taken=0))
    return store


async def count(store: Store, table: type[Loan]) -> int:
    """Return how many rows a table has."""
    async with store.read() as reader:
        return await reader.scalar(select(func.count()).select_from(table)) or 0


async def test_what_is_done_in_a_unit_of_work_is_there_after_it(store: Store) -> None:
    """A unit of work commits at its end: row, counter and outbox rows together."""
    async with store.work() as work:
        await take_place(work, "s", TakePlace())
    async with store.read() as reader:
        assert (await reader.get_one(Shelf, "s")).taken == 1
        assert await reader.scalar(select(func.count()).select_from(outbox)) == 2
    assert await count(store, Loan) == 1


async def test_an_exception_rolls_everything_back(store: Store) -> None:
    """State, outbox and due rows of a failed unit of work are all gone."""

    async def fail() -> None:
        async with store.work() as work:
            await take_place(work, "s", TakePlace())
            await work.later("remind", "x", work.now)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await fail()
    async with store.read() as reader:
        assert (await reader.get_one(Shelf, "s")).taken == 0
        assert await reader.scalar(select(func.count()).select_from(outbox)) == 0
        assert await reader.scalar(select(func.count()).select_from(due)) == 0


async def test_a_rush_takes_exactly_the_places_there_are(store: Store) -> None:
    """Fifty at once for three places: three get one, all others are told that it is full."""

    async def one() -> bool:
        try:
            async with store.work() as work:
                await take_place(work, "s", TakePlace())
        except ShelfFull:
            return False
        return True

    outcomes = await asyncio.gather(*(one() for _ in range(50)))
    assert sum(outcomes) == 3
    async with store.read() as reader:
        places = (await reader.scalars(select(col(Loan.place)))).all()
    assert sorted(places) == [1, 2, 3]


async def test_the_database_itself_refuses_a_place_too_many(store: Store) -> None:
    """A handler that forgot the rule is stopped by the table's own constraint."""
    with pytest.raises(IntegrityError):
        async with store.work() as work:
            (await work.get_one(Shelf, "s")).taken = 4


async def test_a_reader_cannot_write_on_sqlite(store: Store, dialect: str) -> None:
    """The reading engine of SQLite refuses to write."""
    if dialect != "sqlite":
        return
    with pytest.raises(DBAPIError, match="readonly"):
        async with store.read() as reader:
            await reader.execute(text("DELETE FROM shelf"))


async def test_a_reader_does_not_wait_for_the_writer(store: Store) -> None:
    """While a unit of work is open, reading answers at once with what was committed before."""
    async with store.work() as work:
        (await work.get_one(Shelf, "s", with_for_update=True)).taken = 2
        await work.flush()
        async with asyncio.timeout(1), store.read() as reader:
            assert (await reader.get_one(Shelf, "s")).taken == 0


async def test_units_of_work_take_turns_in_the_order_they_came(store: Store, dialect: str) -> None:
    """SQLite's one writer serves first come, first served."""
    if dialect != "sqlite":
        return
    order: list[int] = []

    async def one(number: int) -> None:
        async with store.work() as work:
            await work.get_one(Shelf, "s")
            await asyncio.sleep(0)
            order.append(number)

    await asyncio.gather(*(one(number) for number in range(20)))
    assert order == list(range(20))


async def test_a_cancelled_commit_is_whole_or_nothing(store: Store) -> None:
    """Whenever a request is cancelled, loans, counter and outbox agree, and work goes on."""
    async with store.work() as work:
        (await work.get_one(Shelf, "s")).capacity = 500
    chance = random.Random(7)

    async def one() -> None:
        async with store.work() as work:
            await take_place(work, "s", TakePlace(name="nobody"))

    for _ in range(60):
        task = asyncio.create_task(shielded(one()))
        await asyncio.sleep(chance.random() * 0.004)
        task.cancel()
        await asyncio.wait([task])
    await one()
    async with store.read() as reader:
        taken = (await reader.get_one(Shelf, "s")).taken
        told = await reader.scalar(select(func.count()).select_from(outbox))
    assert await count(store, Loan) == taken == told


async def test_what_is_cancelled_leaves_no_transaction_to_the_next(store: Store) -> None:
    """At whatever step a unit is cancelled, what the next one commits is there for others."""

    async def put_off(key: str) -> None:
        async with store.work() as work:
            await work.later("remind", key, work.now)

    kept = {str(step) for step in range(60)}
    for step in kept:
        task = asyncio.create_task(put_off(f"cancelled {step}"))
        for _ in range(int(step)):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await put_off(step)
    await store.engines.writer.dispose()  # whatever is not committed is gone with its connection
    async with store.read() as reader:
        found = set(await reader.scalars(select(due.c.key)))
    assert kept <= found


async def test_times_come_back_aware_and_in_utc(store: Store) -> None:
    """What was put off for 18:00 in another zone is due at the same instant, said in UTC."""
    at = datetime(2023, 3, 26, 18, 0, tzinfo=timezone(timedelta(hours=2)))
    async with store.work() as work:
        await work.later("remind", "k", at)
    async with store.read() as reader:
        found = await reader.scalar(select(due.c.at))
    assert found == at
    assert found is not None
    assert found.tzinfo is UTC


async def test_putting_off_again_replaces_the_time(store: Store) -> None:
    """There is one due row per kind and key: the last one said."""
    soon = datetime(2023, 1, 1, tzinfo=UTC)
    async with store.work() as work:
        await work.later("remind", "k", soon)
        await work.later("remind", "k", soon + timedelta(days=1), {"why": "later"})
    async with store.read() as reader:
        rows = (await reader.execute(select(due))).all()
    assert [(row.key, row.at) for row in rows] == [("k", soon + timedelta(days=1))]


async def test_a_store_remembers_when_it_was_made(
    dialect: str, make_store: MakeStore, make_url: MakeUrl, store: Store
) -> None:
    """Opening a store again does not change its birth."""
    again = Store(
        store.engines.writer.url.render_as_string(hide_password=False)
        if dialect == "postgresql"
        else await _same_file(store),
        service="lender",
        source="https://test.example",
        clock=store.clock,
        migrations=PARTS.migrations,
    )
    await again.open()
    assert again.born_at == store.born_at
    await again.close()


async def _same_file(store: Store) -> str:
    async with store.read() as reader:
        path = (await reader.execute(text("PRAGMA database_list"))).first()
    assert path is not None
    return f"sqlite:///{Path(path[2])}"


async def test_rows_of_the_outbox_are_in_the_order_of_the_lock(store: Store) -> None:
    """Of two units of work on one shelf, the one that had the lock first has the lower rows."""
    async with store.work() as work:
        (await work.get_one(Shelf, "s")).capacity = 100

    async def one() -> None:
        async with store.work() as work:
            await take_place(work, "s", TakePlace(name="nobody"))

    await asyncio.gather(*(one() for _ in range(40)))
    async with store.read() as reader:
        bodies = (await reader.scalars(select(outbox.c.body).order_by(outbox.c.seq))).all()
        loans = (await reader.scalars(select(col(Loan.id)).order_by(col(Loan.place)))).all()
    assert [loan in body.decode() for loan, body in zip(loans, bodies, strict=True)] == [True] * 40


async def test_a_migration_that_ran_is_not_run_again(store: Store) -> None:
    """Bringing an up-to-date store up to date changes nothing."""
    await store.open()
    async with store.work() as work:
        await work.execute(insert(Loan.__table__).values(id="l", shelf_id="s", place=1))  # type: ignore[attr-defined]  # SQLModel's tables have one
