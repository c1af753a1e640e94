"""What is told of messages: once they are committed, each by its outcome, under its cause."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update

from shared.messaging.subscription import Subscription
from shared.observability.correlation import parse_traceparent, traceparent, untraced
from shared.observability.tracing import tracing
from shared.security.inner import HEADER
from shared.store.plumbing import due, outbox
from shared.store.scheduler import Scheduler, in_one_work
from shared.testing.fixtures import MakeUrl
from shared.testing.running import key_with
from tests.failures.processes import Child, ended
from tests.observability.collector import Collector, Span, collecting
from tests.toy.contracts import NameGiven, PlaceTaken, use_topics_of_their_own
from tests.toy.house import INNER_KEY, House, house, make_bus, unique
from tests.toy.ledger.service import subscription
from tests.toy.lender.service import remind

pytestmark = pytest.mark.anyio


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Run a receiver that this process sends its spans to, and the processes it starts."""
    with collecting() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
async def running(collector: Collector, tmp_path: Path, make_url: MakeUrl) -> AsyncIterator[House]:
    """Run the toys in this process, which tells of its spans."""
    use_topics_of_their_own(unique("t"))
    hears: Subscription = subscription(unique("lines"))
    urls = [await make_url("sqlite"), await make_url("sqlite")]
    with tracing():
        async with house(make_bus("embedded", tmp_path), hears, *urls) as both:
            yield both


def a_trace(flags: str = "01") -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{flags}"


async def lend(house: House, trace: str, *moods: str) -> list[str]:
    """Lend places as a request with this trace would."""
    token = traceparent.set(trace)
    try:
        return await house.lend(*moods)
    finally:
        traceparent.reset(token)


async def told(collector: Collector, trace: str, count: int) -> list[Span]:
    """Return the spans of a trace once there are so many."""
    trace_id = trace[3:35]
    await asyncio.to_thread(collector.until, lambda: len(collector.of_trace(trace_id)) >= count, 30)
    return collector.of_trace(trace_id)


def outcomes(spans: list[Span]) -> list[str]:
    return [s.attributes["andan.outcome"] for s in spans if s.kind == "CONSUMER"]


async def test_a_message_is_told_under_its_way_to_the_bus(
    running: House, collector: Collector
) -> None:
    """The consumer's span is the child of the relay's, which lasts from the commit to the
    acknowledgement and is the child of the work that published it.
    """
    trace = a_trace()
    await lend(running, trace, "good")
    await running.quiet()
    sent, handled = await told(collector, trace, 2)
    assert (sent.kind, sent.service, sent.parent_id) == ("PRODUCER", "andan-lender", trace[36:52])
    assert (handled.kind, handled.service) == ("CONSUMER", "andan-ledger")
    assert handled.parent_id == sent.id
    assert sent.began <= handled.began <= handled.ended
    assert sent.began < sent.ended
    group = running.ledger.consumers[0].subscription.group
    assert handled.attributes["messaging.consumer.group.name"] == group


async def test_each_outcome_is_told(running: House, collector: Collector) -> None:
    """Handled, waiting and then handled, parked, and handled once more as a duplicate."""
    await lend(running, fine := a_trace(), "good")
    await lend(running, bad := a_trace(), "bad")
    (loan,) = await lend(running, named := a_trace(), "named")
    await running.quiet()
    token = traceparent.set(named)
    async with running.lender.store.work() as work:
        work.publish(NameGiven(loan_id=loan, name="Amina"))
    traceparent.reset(token)
    await running.quiet()
    async with running.lender.store.work() as work:
        first = select(outbox.c.seq).order_by(outbox.c.seq).limit(1).scalar_subquery()
        await work.execute(update(outbox).where(outbox.c.seq == first).values(sent_at=None))
    running.lender.store.outbox_filled.set()
    await running.quiet()
    assert sorted(outcomes(await told(collector, fine, 4))) == ["duplicate", "handled"]
    parked = await told(collector, bad, 3)  # sent, parked, sent to the dead letters
    assert outcomes(parked) == ["parked"]
    (failed,) = (span for span in parked if span.is_error)
    assert failed.attributes["error.type"] == "ValueError"
    waited = outcomes(await told(collector, named, 5))
    assert sorted(waited) == ["handled", "handled", "waits"]


async def test_what_is_rolled_back_is_not_told(running: House, collector: Collector) -> None:
    """A message of a batch that fails is told once: by the attempt that was committed."""
    traces = [a_trace() for _ in range(6)]
    for number, trace in enumerate(traces):
        await lend(running, trace, "bad" if number == 3 else "good")
    await running.quiet()
    for number, trace in enumerate(traces):
        count = 3 if number == 3 else 2
        spans = await told(collector, trace, count)
        assert outcomes(spans) == ["parked" if number == 3 else "handled"]
        assert len(spans) == count


async def test_what_was_put_off_is_told_by_its_cause(running: House, collector: Collector) -> None:
    """What is due at once is a step of the trace; what is due later has a trace of its own, with
    a link to that one; what was put off without a trace has none. No handler sees any of it.
    """
    store, seen = running.lender.store, []

    async def look(work: Any, row: Any) -> None:
        seen.append((row.key, row.data, traceparent.get()))
        await remind(work, row)

    scheduler = Scheduler(store, {"look": in_one_work(look)})
    token = traceparent.set(trace := a_trace())
    async with store.work() as work:
        await work.later("look", "now", work.now, {"a": 1})
        await work.later("look", "soon", work.now + timedelta(milliseconds=1))
        with untraced():
            await work.later("look", "alone", work.now)
    traceparent.reset(token)
    await asyncio.sleep(0.01)
    await scheduler.run_due()
    await running.quiet()
    assert sorted((key, data) for key, data, _ in seen) == [
        ("alone", {}), ("now", {"a": 1}), ("soon", {}),
    ]  # fmt: skip
    under = {key: parse_traceparent(text) for key, _, text in seen}
    assert under["alone"] is None
    job, sent, handled = await told(collector, trace, 3)
    assert (job.kind, job.name, job.parent_id) == ("INTERNAL", "look", trace[36:52])
    assert under["now"] is not None
    assert under["now"].parent_id == job.id == sent.parent_id
    assert handled.parent_id == sent.id
    soon = under["soon"]
    assert soon is not None
    assert soon.trace_id != trace[3:35]
    late = (await told(collector, str(soon), 3))[0]
    assert (late.parent_id, late.links) == ("", ((trace[3:35], trace[36:52]),))


async def test_off_nothing_is_kept_of_a_trace(tmp_path: Path, make_url: MakeUrl) -> None:
    """Without an endpoint, what is put off is stored as ever."""
    async with house(
        make_bus("embedded", tmp_path),
        subscription(unique("lines")),
        await make_url("sqlite"),
        await make_url("sqlite"),
    ) as both:
        token = traceparent.set(a_trace())
        async with both.lender.store.work() as work:
            await work.later("other", "x", work.now)
        traceparent.reset(token)
        async with both.lender.store.read() as reader:
            assert (await reader.execute(select(due.c.data))).scalars().all() == ["{}"]


async def test_an_unsampled_trace_goes_on_untold(running: House, collector: Collector) -> None:
    """Nothing is told of it, and its ids go on as they did: to the topic and beyond."""
    trace, after = a_trace("00"), a_trace()
    await lend(running, trace, "good")
    await lend(running, after, "good")
    await running.quiet()
    await told(collector, after, 2)
    assert collector.of_trace(trace[3:35]) == []
    async with running.lender.store.read() as reader:
        rows = (await reader.execute(select(outbox.c.headers).order_by(outbox.c.seq))).scalars()
        assert trace[3:35] in rows.all()[-2]


async def test_a_message_that_must_not_be_linked_is_not_told(
    running: House, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where one came with a trace, which ours never do."""
    await lend(running, trace := a_trace(), "good")
    assert len(await told(collector, trace, 2)) == 2
    monkeypatch.setattr(PlaceTaken, "unlinkable", True)
    async with running.lender.store.work() as work:
        await work.execute(update(outbox).values(sent_at=None, message_id="again"))
    running.lender.store.outbox_filled.set()
    await running.quiet()
    monkeypatch.undo()
    await lend(running, after := a_trace(), "good")
    await told(collector, after, 2)
    assert outcomes(collector.of_trace(trace[3:35])) == ["handled"]


@pytest.mark.kafka
async def test_a_trace_goes_through_kafka(
    collector: Collector, tmp_path: Path, kafka_bootstrap: str
) -> None:
    """Two processes on a real Kafka tell of one trace: request, sending, handling."""
    mark = unique("trace")

    def toy(part: str) -> Child:
        return Child(
            "tests.observability.toy_process",
            *("--data", str(tmp_path), "--bus", kafka_bootstrap, "--parts", part, "--mark", mark),
            log=tmp_path / f"{part}.txt",
            environment=collector.environment,
        )

    trace = a_trace()
    lender, ledger = toy("lender"), toy("ledger")
    for child in (lender, ledger):
        child.arguments = (*child.arguments, "--port", str(child.port))
    with ended(lender, ledger):
        lender.start()
        ledger.start()
        await asyncio.gather(lender.until_ready(), ledger.until_ready())
        headers = {HEADER: INNER_KEY.mint(key_with(id="amina")), "traceparent": trace}
        async with httpx2.AsyncClient(base_url=lender.url, trust_env=False) as client:
            body = {"name": "nobody"}
            answer = await client.post("/shelves/s/loans", json=body, headers=headers, timeout=30)
        assert answer.status_code == 201, answer.text
        request, sent, handled = await told(collector, trace, 3)
        assert lender.terminate() == ledger.terminate() == 0
    assert [(each.service, each.kind) for each in (request, sent, handled)] == [
        ("andan-lender", "SERVER"),
        ("andan-lender", "PRODUCER"),
        ("andan-ledger", "CONSUMER"),
    ]
    assert request.name == "POST /shelves/{shelf_id}/loans"
    assert [request.parent_id, sent.parent_id, handled.parent_id] == [
        trace[36:52], request.id, sent.id,
    ]  # fmt: skip
    assert handled.attributes["andan.outcome"] == "handled"
