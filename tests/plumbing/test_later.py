"""What is put off: done once, at its time, in order, by whoever leads."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from shared.clock import ClockRunsForwards, ReplayClock
from shared.ending import end
from shared.messaging.broker import EmbeddedBus
from shared.messaging.embedded.log import EmbeddedLog
from shared.store import Store, Work
from shared.store.leader import Leadership
from shared.store.plumbing import due
from shared.store.scheduler import Due, Scheduler, in_one_work
from shared.testing.fixtures import DIALECTS, MakeStore, MakeUrl
from tests.toy.contracts import use_topics_of_their_own
from tests.toy.house import House, house, make_bus, unique
from tests.toy.ledger.service import subscription
from tests.toy.lender.service import PARTS, Shelf

pytestmark = pytest.mark.anyio

START = datetime(2023, 3, 25, 12, tzinfo=UTC)


class Diary:
    """A scheduler whose tasks write down what they did and when."""

    def __init__(self, store: Store, clock: ReplayClock) -> None:
        self.done: list[tuple[str, datetime]] = []
        self.broken = 0
        self.store = store
        self.clock = clock
        self.scheduler = Scheduler(store, {"note": in_one_work(self.note)})

    async def note(self, work: Work, row: Due) -> None:
        """Write the row down, unless something is broken."""
        if self.broken:
            self.broken -= 1
            raise RuntimeError("broken")
        self.done.append((row.key, work.now))

    async def put_off(self, key: str, by: timedelta) -> None:
        """Have `key` written down later."""
        async with self.store.work() as work:
            await work.later("note", key, work.now + by)


@pytest.fixture(params=DIALECTS)
async def diary(request: pytest.FixtureRequest, make_store: MakeStore) -> Diary:
    """Return a diary on a store that lives on a replay clock."""
    clock = ReplayClock(START)
    return Diary(await make_store(request.param, PARTS.migrations, clock=clock), clock)


async def test_things_are_done_in_the_order_of_their_time(diary: Diary) -> None:
    """Whatever order they were put off in, they are done by time, and only those that are due."""
    for key, hours in (("c", 3), ("a", 1), ("b", 2), ("z", 9)):
        await diary.put_off(key, timedelta(hours=hours))
    diary.clock.move(START + timedelta(hours=4))
    assert await diary.scheduler.run_due() == 3
    assert [key for key, _ in diary.done] == ["a", "b", "c"]
    assert await diary.scheduler.next_at() == START + timedelta(hours=9)


async def test_a_thing_that_fails_is_tried_again_later(diary: Diary) -> None:
    """Nothing of a failed try stays; the row waits 30 s, then a minute."""
    diary.broken = 2
    await diary.put_off("a", timedelta(0))
    await diary.scheduler.run_due()
    assert await diary.scheduler.next_at() == START + timedelta(seconds=30)
    diary.clock.move(START + timedelta(seconds=30))
    await diary.scheduler.run_due()
    assert await diary.scheduler.next_at() == START + timedelta(seconds=90)
    diary.clock.move(START + timedelta(seconds=90))
    await diary.scheduler.run_due()
    assert [key for key, _ in diary.done] == ["a"]
    assert await diary.scheduler.next_at() is None


async def test_a_running_scheduler_wakes_for_what_is_put_off_and_for_the_clock(
    diary: Diary,
) -> None:
    """It sleeps until there is something to do, not by polling."""
    running = asyncio.create_task(diary.scheduler.run())
    await diary.put_off("now", timedelta(0))
    await diary.put_off("later", timedelta(days=1))
    async with asyncio.timeout(5):
        while len(diary.done) < 1:
            await asyncio.sleep(0.005)
        diary.clock.move(START + timedelta(days=2))
        while len(diary.done) < 2:
            await asyncio.sleep(0.005)
    running.cancel()
    assert [key for key, _ in diary.done] == ["now", "later"]


async def test_something_dropped_is_not_done(diary: Diary) -> None:
    """What was taken back before its time never happens."""
    await diary.put_off("a", timedelta(hours=1))
    async with diary.store.work() as work:
        await work.drop("note", "a")
    diary.clock.move(START + timedelta(hours=2))
    assert await diary.scheduler.run_due() == 0


async def test_two_schedulers_do_a_thing_once(diary: Diary) -> None:
    """Even if two processes both believed that they lead, each row is done by one."""
    for number in range(30):
        await diary.put_off(str(number), timedelta(0))
    twin = Scheduler(diary.store, {"note": in_one_work(diary.note)})
    await asyncio.gather(diary.scheduler.run_due(), twin.run_due())
    assert sorted(int(key) for key, _ in diary.done) == list(range(30))


@pytest.mark.postgres
async def test_one_of_two_processes_leads_and_the_other_takes_over(
    make_store: MakeStore, make_url: MakeUrl
) -> None:
    """On PostgreSQL the second waits while the first holds the lock, and leads within seconds."""
    first = await make_store("postgresql", PARTS.migrations)
    url = first.engines.writer.url.render_as_string(hide_password=False)
    second = Store(
        url,
        service=first.service,
        source=first.source,
        clock=first.clock,
        migrations=PARTS.migrations,
    )
    led = asyncio.Event()

    async def lead_second() -> None:
        async with Leadership(second).hold():
            led.set()
            await asyncio.sleep(60)

    async with Leadership(first).hold():
        waiting = asyncio.create_task(lead_second())
        await asyncio.sleep(1.5)
        assert (first.is_leader, second.is_leader) == (True, False)
    await asyncio.wait_for(led.wait(), 10)
    assert (first.is_leader, second.is_leader) == (False, True)
    waiting.cancel()
    await asyncio.wait([waiting])
    await second.close()


async def test_the_replay_clock_only_runs_forwards() -> None:
    """Moving it back is an error, and it stays where it is."""
    clock = ReplayClock(START)
    with pytest.raises(ClockRunsForwards):
        clock.move(START - timedelta(seconds=1))
    assert clock.now() == START


async def test_the_replay_clock_can_run_on() -> None:
    """From then on it goes at the speed of ordinary time, and wakes who waits for an instant."""
    clock = ReplayClock(START)
    clock.run_on()
    await asyncio.wait_for(clock.reached(START + timedelta(seconds=0.05)), 2)
    assert clock.now() >= START + timedelta(seconds=0.05)


@pytest.fixture
async def replayed(tmp_path: Path, make_url: MakeUrl) -> AsyncIterator[tuple[House, ReplayClock]]:
    """Run both toys on a replay clock."""
    use_topics_of_their_own(unique("t"))
    clock = ReplayClock(START)
    urls = [await make_url("sqlite"), await make_url("sqlite")]
    bus = make_bus("embedded", tmp_path)
    async with house(bus, subscription(unique("lines")), *urls, clock=clock) as both:
        yield both, clock


async def test_a_house_is_quiet_only_when_effects_of_effects_are_done(
    replayed: tuple[House, ReplayClock],
) -> None:
    """After a move of the clock, what became due, what it published, and who heard it are done."""
    toys, clock = replayed
    (loan,) = await toys.lend("named")
    async with toys.lender.store.work() as work:
        await work.later("remind", loan, work.now + timedelta(days=30))
    await toys.quiet()
    assert await toys.lines() == []
    clock.move(START + timedelta(days=30))
    await toys.quiet()
    assert [line.name for line in await toys.lines()] == ["reminded"]
    async with toys.lender.store.read() as reader:
        assert (await reader.execute(select(due))).all() == []


async def test_a_second_process_on_one_log_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """The embedded log belongs to one process; who comes second is told so."""
    first = EmbeddedBus(EmbeddedLog(tmp_path / "log.sqlite"))
    await first.start()
    with pytest.raises(RuntimeError, match=r"another process|in use|running"):
        await EmbeddedBus(EmbeddedLog(tmp_path / "log.sqlite")).start()
    await first.stop()


@pytest.mark.postgres
async def test_a_task_that_a_deadlock_ends_is_done_at_once_all_the_same(
    make_store: MakeStore,
) -> None:
    """A handler locks what the task wants and then puts the task off anew: nobody notices."""
    clock = ReplayClock(START)
    store = await make_store("postgresql", PARTS.migrations, clock=clock)
    at_the_shelf, done = asyncio.Event(), []
    shelf = select(Shelf).with_for_update()

    async def stamp(work: Work, row: Due) -> None:
        at_the_shelf.set()
        (await work.scalars(shelf)).one()
        done.append(row.key)

    async with store.work() as work:
        work.add(Shelf(id="s", capacity=3, taken=0))
        await work.later("stamp", "a", work.now)
    scheduler = Scheduler(store, {"stamp": in_one_work(stamp)})
    async with store.work() as handler:
        (await handler.scalars(shelf)).one()
        running = asyncio.create_task(scheduler.run_due())
        await at_the_shelf.wait()
        await asyncio.sleep(0.2)
        await handler.later("stamp", "a", handler.now)
    await running
    assert done == ["a"]
    assert (scheduler.done, scheduler.failed) == (1, 0)
    assert await scheduler.next_at() is None


async def side_by_side(store: Store, *, gives_way: bool) -> tuple[int, int]:
    """Do twelve things four at a time; return how many were done, and how many at once at most."""
    under_way = most = 0

    async def job(store: Store, row: Due) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        async with store.work() as work:
            await work.drop(row.kind, row.key)

    async with store.work() as work:
        for number in range(12):
            await work.later("job", str(number), work.now)
    scheduler = Scheduler(store, {"job": job}, at_once=4, gives_way=lambda: gives_way)
    running = asyncio.create_task(scheduler.run())
    async with asyncio.timeout(30):
        while await scheduler.next_at() is not None:
            await asyncio.sleep(0.01)
    await end([running])
    return scheduler.done, most


async def test_what_gives_way_is_done_one_by_one(diary: Diary) -> None:
    """Jobs have their places; while something else matters more they have one now and then."""
    assert await side_by_side(diary.store, gives_way=False) == (12, 4)
    assert await side_by_side(diary.store, gives_way=True) == (12, 1)


async def test_what_is_dropped_after_it_was_read_is_not_done(diary: Diary) -> None:
    """Rows are read ahead of the places there are; each is looked at again when its turn comes."""
    done = []

    async def only_one(work: Work, row: Due) -> None:
        done.append(row.key)
        for number in range(12):
            await work.drop("one", str(number))

    async with diary.store.work() as work:
        for number in range(12):
            await work.later("one", str(number), work.now)
    jobs = {"one": in_one_work(only_one)}
    running = asyncio.create_task(
        Scheduler(diary.store, jobs, at_once=2, gives_way=lambda: True).run()
    )
    await asyncio.sleep(0.5)
    await end([running])
    assert len(done) == 1
