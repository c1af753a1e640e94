"""From a commit to its effect: outbox, relay, inbox, retries, parking, waiting."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from shared.contracts.envelope import Envelope
from shared.gauges import sample
from shared.ids import new_id
from shared.messaging import dead_letters
from shared.messaging.appender import OutboxRecord
from shared.messaging.subscription import Subscription
from shared.store.plumbing import outbox, waiting
from shared.testing.fixtures import MakeUrl
from tests.toy.contracts import NameGiven, PlaceTaken, use_topics_of_their_own
from tests.toy.house import House, house, make_bus, unique
from tests.toy.ledger.service import subscription

pytestmark = pytest.mark.anyio

BUSES = ["embedded", pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.postgres])]


@pytest.fixture
def hears() -> Subscription:
    """Return the ledger's ears, in a group and on topics that no other test has."""
    use_topics_of_their_own(unique("t"))
    return subscription(unique("lines"))


@pytest.fixture(params=BUSES)
async def running(
    request: pytest.FixtureRequest, tmp_path: Path, make_url: MakeUrl, hears: Subscription
) -> AsyncIterator[House]:
    """Run the toys: SQLite on the embedded bus, PostgreSQL on Kafka."""
    embedded = request.param == "embedded"
    kind = "embedded" if embedded else request.getfixturevalue("kafka_bootstrap")
    dialect = "sqlite" if embedded else "postgresql"
    urls = [await make_url(dialect), await make_url(dialect)]
    async with house(make_bus(kind, tmp_path), hears, *urls) as both:
        yield both


async def test_each_commit_has_exactly_one_effect(running: House) -> None:
    """A hundred places taken are a hundred lines, in the order of their commits."""
    loans = await running.lend(*["good"] * 100)
    await running.quiet()
    assert [line.loan_id for line in await running.lines()] == loans


async def test_a_message_that_comes_twice_has_one_effect(running: House) -> None:
    """Rows that are sent again (an acknowledgement was lost) change nothing."""
    loans = await running.lend("good", "good", "good")
    await running.quiet()
    async with running.lender.store.work() as work:
        await work.execute(update(outbox).values(sent_at=None))
    running.lender.store.outbox_filled.set()
    await running.quiet()
    assert [line.loan_id for line in await running.lines()] == loans
    assert running.ledger.consumers[0].counts["duplicate"] == 3


async def test_a_handler_that_fails_for_good_does_not_stop_the_others(running: House) -> None:
    """The bad one of three is parked with its reason, without what it held."""
    loans = await running.lend("good", "bad", "good")
    await running.quiet()
    assert [line.loan_id for line in await running.lines()] == [loans[0], loans[2]]
    async with running.ledger.store.read() as reader:
        (letter,) = await dead_letters.listed(reader)
    assert letter.reason == "ValueError in the handler"
    assert letter.attempts == 3


async def test_a_handler_that_fails_twice_succeeds_in_its_place(running: House) -> None:
    """Retries happen before the next message of the key."""
    loans = await running.lend("good", "thrice", "good")
    await running.quiet()
    assert [line.loan_id for line in await running.lines()] == loans
    assert running.ledger.consumers[0].counts["retried"] >= 1


async def test_a_parked_message_takes_effect_when_it_is_replayed(
    running: House, hears: Subscription
) -> None:
    """A replay counts although the inbox has seen the message; afterwards nothing is parked."""
    (loan,) = await running.lend("bad")
    await running.quiet()
    async with running.ledger.store.read() as reader:
        (letter,) = await dead_letters.listed(reader)
    with pytest.raises(ValueError, match="bad mood"):
        await running.ledger.replay(letter)
    handler = hears.handlers[PlaceTaken.type]

    async def cured(work: object, message: PlaceTaken) -> None:
        await handler(work, message.model_copy(update={"mood": "good"}))  # type: ignore[arg-type]  # the unit of work

    hears.handlers[PlaceTaken.type] = cured
    async with running.ledger.store.read() as reader:
        (letter,) = await dead_letters.listed(reader)
    assert letter.attempts == 4
    await running.ledger.replay(letter)
    assert [line.loan_id for line in await running.lines()] == [loan]
    async with running.ledger.store.read() as reader:
        assert await dead_letters.listed(reader) == []


async def test_a_dependency_that_is_down_makes_the_consumer_wait(running: House) -> None:
    """In a storm nothing is parked and nothing passes; afterwards everything is there, in order."""
    running.weather.storm = True
    loans = await running.lend("good", "stormy", "good")
    with pytest.raises(TimeoutError):
        await running.quiet(seconds=1)
    running.weather.storm = False
    await running.quiet()
    assert [line.loan_id for line in await running.lines()] == loans
    assert running.ledger.consumers[0].counts["parked"] == 0


async def test_a_message_waits_for_what_another_topic_brings(running: House) -> None:
    """`NotYet` holds it back, neither retried nor parked, until the name has come."""
    (loan,) = await running.lend("named")
    await running.quiet()
    assert await running.lines() == []
    async with running.lender.store.work() as work:
        await work.later("remind", loan, work.now)
    await running.quiet()
    assert [(line.loan_id, line.name) for line in await running.lines()] == [(loan, "reminded")]
    async with running.ledger.store.read() as reader:
        assert await reader.scalar(select(func.count()).select_from(waiting)) == 0
    counts = running.ledger.consumers[0].counts
    assert (counts["retried"], counts["parked"]) == (0, 0)


async def test_later_messages_of_a_subject_queue_behind_one_that_waits(running: House) -> None:
    """What came second about a loan is handled second, whatever the first was waiting for."""
    first = PlaceTaken(shelf_id="s", loan_id="l", place=1, mood="named")
    async with running.lender.store.work() as work:
        work.publish(first)
    async with running.lender.store.work() as work:
        work.publish(first.model_copy(update={"place": 2, "mood": "good"}))
    await running.quiet()
    assert await running.lines() == []
    async with running.lender.store.work() as work:
        await work.later("remind", "l", work.now)
    await running.quiet()
    assert [line.place for line in await running.lines()] == [1, 2]


async def test_what_cannot_be_read_is_parked_and_the_next_is_handled(running: House) -> None:
    """No envelope, an unknown type, no JSON, a header that is not UTF-8, a tombstone."""
    good = Envelope(
        id=new_id(),
        source="https://toy.example",
        type=PlaceTaken.type,
        time=running.lender.clock.now(),
        subject="l",
    )

    def headers(**changes: bytes) -> list[tuple[str, bytes]]:
        changed = {"ce_id": new_id().encode(), **changes}
        return [(name, changed.get(name, value)) for name, value in good.to_headers()]

    body = PlaceTaken(shelf_id="s", loan_id="l", place=1).encode()
    rows = [
        OutboxRecord(PlaceTaken.topic, b"s", body, []),
        OutboxRecord(
            PlaceTaken.topic, b"s", body, headers(ce_type=b"se.andan.toy.nobody.knows.v1")
        ),
        OutboxRecord(PlaceTaken.topic, b"s", b'{"shelf_id": 1', headers()),
        OutboxRecord(PlaceTaken.topic, b"s", b"\xff\xfe", headers()),
        OutboxRecord(PlaceTaken.topic, b"s", body, headers(ce_subject=b"\xff")),
        OutboxRecord(PlaceTaken.topic, b"s", None, headers()),
        OutboxRecord(PlaceTaken.topic, b"s", None, []),
        OutboxRecord(PlaceTaken.topic, b"s", body, headers()),
    ]
    appender = await running.bus.appender("toy")
    await appender.append(rows)
    await appender.close()
    await running.quiet()
    assert [line.loan_id for line in await running.lines()] == ["l"]
    async with running.ledger.store.read() as reader:
        parked = await dead_letters.listed(reader)
    assert len(parked) == 7
    assert all(letter.topic == PlaceTaken.topic for letter in parked)


async def test_what_can_never_be_sent_is_parked_and_blocks_nothing(running: House) -> None:
    """A row for a topic that nobody declared is put aside; those before and after it go out."""
    before = await running.lend("good")
    async with running.lender.store.work() as work:
        work.forward("andan.toy.nowhere.v1", message_id="m", key=b"k", headers=[], body=b"{}")
    after = await running.lend("good")
    await running.quiet()
    assert [line.loan_id for line in await running.lines()] == before + after
    async with running.lender.store.read() as reader:
        (letter,) = await dead_letters.listed(reader)
    assert (letter.message_id, letter.topic) == ("m", "andan.toy.nowhere.v1")


@pytest.mark.parametrize("bus", BUSES)
async def test_a_rebuilt_projection_equals_the_one_that_was_lived(
    bus: str, request: pytest.FixtureRequest, hears: Subscription, tmp_path: Path, make_url: MakeUrl
) -> None:
    """A new store in place of the old one is told everything again, in the same group."""
    kind = bus if bus == "embedded" else request.getfixturevalue("kafka_bootstrap")
    lender = await make_url("sqlite")
    lines: list[list[tuple[str, str | None]]] = []
    for _ in ("lived", "rebuilt"):
        async with house(make_bus(kind, tmp_path), hears, lender, await make_url("sqlite")) as both:
            if not lines:
                await both.lend(*["good", "named"] * 5, name="n")
            await both.quiet()
            lines.append(sorted((line.loan_id, line.name) for line in await both.lines()))
    assert len(lines[0]) == 10
    assert lines[0] == lines[1]


async def test_one_that_acts_ignores_what_is_older_than_its_store(
    tmp_path: Path, make_url: MakeUrl
) -> None:
    """A new, empty store of a consumer that acts does nothing about what happened before it."""
    use_topics_of_their_own(unique("t"))
    first, second = (subscription(unique("acts"), timedelta(days=2)) for _ in range(2))
    lender = await make_url("sqlite")
    async with house(
        make_bus("embedded", tmp_path), first, lender, await make_url("sqlite")
    ) as old:
        await old.lend("good", "good")
        await old.quiet()
        assert len(await old.lines()) == 2
    async with house(
        make_bus("embedded", tmp_path), second, lender, await make_url("sqlite")
    ) as new:
        await new.quiet()
        assert await new.lines() == []
        await new.lend("good")
        await new.quiet()
        assert len(await new.lines()) == 1


async def test_names_go_on_their_own_topic(running: House) -> None:
    """Quiet means that nothing is unread on any topic."""
    await running.lend("good", name="Amina")
    await running.quiet()
    lag = await running.bus.lag(
        running.ledger.consumers[0].subscription.group, [NameGiven.topic, PlaceTaken.topic]
    )
    assert set(lag.values()) == {0}


async def test_what_waits_is_seen_in_the_metrics(running: House) -> None:
    """Who runs the house sees how many messages wait, how long, and what is unread."""
    await running.lend("named")
    await running.quiet()
    metrics = running.ledger.metrics
    await sample(running.ledger, metrics)
    short = running.ledger.consumers[0].subscription.group.removeprefix("andan.")
    value = metrics.registry.get_sample_value
    assert value("andan_waiting_messages", {"consumer": short}) == 1
    assert value("andan_outbox_depth", {"service": "ledger"}) == 0
    lag = {"consumer": short, "topic": PlaceTaken.topic}
    assert value("andan_consumer_lag", lag) == 0
    (oldest,) = [value("andan_waiting_oldest_seconds", {"consumer": short})]
    assert oldest is not None
    assert 0 <= oldest < 60
