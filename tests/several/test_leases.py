"""A leader that was stopped and goes on: it sends nothing unproven, and makes good what it did."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import text

from shared.messaging.appender import OutboxRecord
from shared.messaging.relay import Relay
from shared.observability.metrics import Metrics
from shared.store import Store
from shared.store.leader import PROOF_SECONDS, Leadership
from shared.testing.fixtures import MakeStore
from tests.toy.lender.service import PARTS

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


class Log:
    """A bus that keeps what comes, and whose `gate` holds up whoever appends while it is shut."""

    def __init__(self) -> None:
        self.records: list[OutboxRecord] = []
        self.gate = asyncio.Event()
        self.knocked = asyncio.Event()

    async def open(self, _: str) -> "Log":
        """Be the appender of a relay."""
        return self

    async def append(self, rows: Sequence[OutboxRecord]) -> None:
        """Store rows once the gate is open."""
        self.knocked.set()
        with contextlib.suppress(asyncio.CancelledError):  # what is on its way is not called back
            await self.gate.wait()
        self.records += rows

    async def close(self) -> None:
        """Nothing is held."""

    @property
    def last(self) -> dict[bytes | None, bytes | None]:
        """What compaction would keep."""
        return {each.key: each.value for each in self.records}


async def put(store: Store, **bodies: str) -> None:
    """Put a row with this body for each key into the outbox, in one unit of work."""
    async with store.work() as work:
        for key, body in bodies.items():
            work.forward(
                "t", message_id=f"{key}-{body}", key=key.encode(), headers=[], body=body.encode()
            )


@pytest.fixture
async def twins(make_store: MakeStore) -> AsyncIterator[tuple[Store, Store]]:
    """The same database, opened by two processes, as it were."""
    first = await make_store("postgresql", PARTS.migrations)
    second = Store(
        first.engines.writer.url.render_as_string(hide_password=False),
        service=first.service,
        source=first.source,
        clock=first.clock,
        migrations=PARTS.migrations,
    )
    for store in (first, second):
        store.provide(Metrics(with_process=False))
    yield first, second
    await second.close()


async def end_the_leader(store: Store) -> None:
    """End the connection that holds the lock, as another process does that wants to lead."""
    async with store.work() as work:
        await work.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks"
                " WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )


async def test_what_was_sent_too_late_is_made_good(twins: tuple[Store, Store]) -> None:
    """A leader that was stopped in the middle of sending appends old rows after newer ones; when
    it knows, the latest of their keys are sent once more, so that compaction keeps those.
    """
    first, second = twins
    late, prompt = Log(), Log()
    prompt.records = late.records
    prompt.gate.set()
    old, new = Relay(first, late.open), Relay(second, prompt.open)
    await put(first, a="1", b="1")
    async with Leadership(first).hold() as lost:
        sending = asyncio.create_task(old.run())
        await asyncio.wait_for(late.knocked.wait(), 10)
        await end_the_leader(second)
        async with Leadership(second).hold():
            await put(second, a="2", c="1")
            assert await new.relay_once() == 4
            late.gate.set()
            await asyncio.wait_for(lost.wait(), 10)
            sending.cancel()
            await asyncio.wait([sending])
            assert late.last[b"a"] == b"1", "nothing old came late: this test shows nothing"
            async with asyncio.timeout(20):
                while late.last[b"a"] != b"2":
                    await new.relay_once()
                    await asyncio.sleep(0.01)
    assert late.last == {b"a": b"2", b"b": b"1", b"c": b"1"}
    await old.close()


async def test_nothing_is_sent_without_proof(
    twins: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that goes on after a while asks first whether it leads; if not, it sends nothing,
    and marks nothing.
    """
    first, second = twins
    log = Log()
    log.gate.set()
    relay = Relay(first, log.open)
    async with Leadership(first).hold():
        await put(second, a="1")
        assert await relay.relay_once() == 1
        await end_the_leader(second)
        later = time.clock_gettime(time.CLOCK_BOOTTIME) + PROOF_SECONDS + 1
        monkeypatch.setattr("shared.store.leader._now", lambda: later)
        await put(second, a="2")
        assert await relay.relay_once() == 0
    assert [each.value for each in log.records] == [b"1"]


async def test_a_silent_leader_is_ended(
    twins: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that asks nothing for some seconds loses its connection; one that asks keeps it."""
    first, second = twins
    monkeypatch.setattr("shared.store.leader.SILENCE_SECONDS", 2.5)
    async with Leadership(first).hold() as lost:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4), Leadership(second).hold():
                pass
        assert not lost.is_set()
        monkeypatch.setattr("shared.store.leader.PROVE_EVERY_SECONDS", 3600)
        async with asyncio.timeout(30), Leadership(second).hold():
            await asyncio.wait_for(lost.wait(), 10)


async def test_a_relay_that_is_ended_just_as_rows_come_ends(twins: tuple[Store, Store]) -> None:
    """Whatever comes first: a process whose relay went on could never lead again."""
    store, _ = twins
    for turns in range(6):
        running = asyncio.create_task(Relay(store, Log().open).run())
        await asyncio.sleep(0.2)  # it waits for rows now
        store.outbox_filled.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        ended, _ = await asyncio.wait([running], timeout=5)
        assert ended, f"{turns} turns after the rows came"
