"""Starting, stopping and watching: what the process around the bus relies on."""

import asyncio
import time
from typing import Any

import pytest
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.structs import TopicPartition
from faststream.exceptions import SetupError
from faststream.middlewares import AckPolicy

from shared.messaging.embedded import GroupTaken
from tests.bus.scene import Scene, acknowledged, until

pytestmark = pytest.mark.anyio


async def test_a_graceful_stop_ends_and_acknowledges_the_handler_in_flight(scene: Scene) -> None:
    """Stopping waits for the handler that runs; what it took never comes again."""
    topic = await scene.topic()
    broker = scene.bus.broker("suite")
    begun = asyncio.Event()
    done: list[bytes] = []

    @broker.subscriber(
        topic, group_id=scene.group(), auto_offset_reset="earliest", max_workers=None
    )
    async def take(body: bytes) -> None:
        begun.set()
        await asyncio.sleep(0.2)
        done.append(body)

    await scene.append(topic, b"v1", b"v2", b"v3")
    await broker.start()
    await asyncio.wait_for(begun.wait(), 10)
    await broker.stop()
    assert done == [b"v1"]
    assert await scene.lag(topic) == 2
    heir, taken, _ = scene.reader(topic)
    await heir.start()
    await until(lambda: len(taken) == 2)
    assert [record.value for record in taken] == [b"v2", b"v3"]


async def test_subscribing_to_an_undeclared_topic_is_an_error(scene: Scene) -> None:
    """A broker whose subscriber names an undeclared topic does not start, and holds nothing."""
    broker, _, _ = scene.reader(f"suite.{scene.mark}.nowhere")
    with pytest.raises(UnknownTopicOrPartitionError, match="nowhere"):
        await broker.start()
    assert not broker.running
    assert not broker.is_connected


async def test_publishing_to_an_undeclared_topic_is_an_error(scene: Scene) -> None:
    """Nothing is created by accident: the publisher gets Kafka's own error."""
    broker = scene.bus.broker("suite")
    await broker.start()
    with pytest.raises(UnknownTopicOrPartitionError):
        await broker.publish(b"lost", f"suite.{scene.mark}.nowhere", key=b"k")


async def test_lag_counts_what_is_not_acknowledged(scene: Scene) -> None:
    """Lag is everything for a group that never came, and nothing once all is acknowledged."""
    topic, other = await scene.topic(partitions=2), await scene.topic()
    assert await scene.bus.lag(scene.group(), [topic, other]) == {topic: 0, other: 0}
    await scene.append(topic, b"v1", b"v2", key=b"a")
    await scene.append(topic, b"v3", key=b"z")
    assert await scene.bus.lag(scene.group(), [topic, other]) == {topic: 3, other: 0}
    broker, taken, _ = scene.reader(topic, other)
    await broker.start()
    await acknowledged(scene, topic, other)
    assert len(taken) == 3


async def test_the_lag_of_an_undeclared_topic_is_an_error(scene: Scene) -> None:
    """A misspelt topic is not silently up to date."""
    with pytest.raises(UnknownTopicOrPartitionError):
        await scene.bus.lag(scene.group(), [f"suite.{scene.mark}.nowhere"])


async def test_an_idle_consumer_shows_that_it_polls(scene: Scene) -> None:
    """The last poll of an idle consumer grows younger, although nothing ever came."""
    topic = await scene.topic()
    broker, _, _ = scene.reader(topic)
    await broker.start()
    consumer: Any = broker.subscribers[0].consumer  # type: ignore[attr-defined]  # a Kafka one
    mine = TopicPartition(topic, 0)
    assert consumer.assignment() == {mine}
    polls: set[int] = set()

    def seen() -> int:
        polls.add(consumer.last_poll_timestamp(mine) or 0)
        return len(polls - {0})

    await until(lambda: seen() > 2)


async def test_a_stuck_handler_shows_as_an_old_poll(scene: Scene) -> None:
    """While a handler hangs, the last poll of its consumer grows old."""
    topic = await scene.topic()
    broker = scene.bus.broker("suite")
    begun, free = asyncio.Event(), asyncio.Event()

    @broker.subscriber(topic, group_id=scene.group(), auto_offset_reset="earliest")
    async def take(body: bytes) -> None:
        begun.set()
        await free.wait()

    await broker.start()
    await scene.append(topic, b"v1", b"v2")
    await asyncio.wait_for(begun.wait(), 10)
    await asyncio.sleep(1.2)
    consumer: Any = broker.subscribers[0].consumer  # type: ignore[attr-defined]  # a Kafka one
    age = time.time() * 1000 - consumer.last_poll_timestamp(TopicPartition(topic, 0))
    free.set()
    assert age > 600


async def test_an_idle_batch_subscriber_wakes_at_once(scene: Scene) -> None:
    """A record that comes after a quiet second is handled without waiting out a poll."""
    topic = await scene.topic()
    broker, taken, _ = scene.reader(topic)
    await broker.start()
    await broker.publish(b"warm", topic, key=b"k")
    await until(lambda: taken)
    waits = []
    for _ in range(5):
        await asyncio.sleep(0.25)
        taken.clear()
        began = time.monotonic()
        await broker.publish(b"now", topic, key=b"k")
        await until(lambda: taken)
        waits.append(time.monotonic() - began)
    assert sorted(waits)[2] < 0.1


async def test_a_handler_that_always_fails_leaves_the_loop_to_others(scene: Scene) -> None:
    """A poison record repeats for ever, and another task of the process still gets its turns."""
    topic = await scene.topic()
    broker = scene.bus.broker("suite")
    attempts = 0

    @broker.subscriber(topic, group_id=scene.group(), auto_offset_reset="earliest")
    async def take(body: bytes) -> None:
        nonlocal attempts
        attempts += 1
        raise RuntimeError("poison")

    await broker.start()
    await scene.append(topic, b"v1")
    await until(lambda: attempts > 2)
    before = attempts
    for _ in range(20):
        await asyncio.sleep(0.005)
    assert attempts > before


async def test_starting_twice_makes_no_second_consumer(scene: Scene) -> None:
    """A running broker that is started again stays as it is."""
    topic = await scene.topic()
    broker, taken, _ = scene.reader(topic)
    await broker.start()
    await broker.start()
    await scene.append(topic, b"v1")
    await until(lambda: taken)
    await acknowledged(scene, topic)
    assert len(taken) == 1


async def test_a_stopped_bus_stops_its_brokers(scene: Scene) -> None:
    """Stopping the bus ends the brokers that still run, and the bus can start again."""
    topic = await scene.topic()
    broker, _, _ = scene.reader(topic)
    await broker.start()
    await scene.bus.stop()
    assert not broker.running
    await scene.bus.start()
    heir, taken, _ = scene.reader(topic)
    await heir.start()
    await scene.append(topic, b"v1")
    await until(lambda: taken)


async def test_ping_answers_while_the_bus_is_there(scene: Scene) -> None:
    """A connected broker's ping is true."""
    broker = scene.bus.broker("suite")
    await broker.connect()
    assert await broker.ping(2)
    await broker.stop()


async def test_a_consumer_can_be_asked_and_moved(scene: Scene) -> None:
    """Position, committed offset, end and beginning are told; seeking repeats from there."""
    topic = await scene.topic()
    await scene.append(topic, b"v1", b"v2", b"v3")
    broker, taken, _ = scene.reader(topic)
    await broker.start()
    await acknowledged(scene, topic)
    consumer: Any = broker.subscribers[0].consumer  # type: ignore[attr-defined]  # a Kafka one
    part = TopicPartition(topic, 0)
    assert await consumer.position(part) == 3
    assert await consumer.committed(part) == 3
    assert await consumer.end_offsets([part]) == {part: 3}
    assert await consumer.beginning_offsets([part]) == {part: 0}
    consumer.seek(part, 1)
    await until(lambda: len(taken) == 5)
    assert [record.value for record in taken] == [b"v1", b"v2", b"v3", b"v2", b"v3"]


async def test_the_embedded_bus_refuses_a_second_member(embedded: Scene) -> None:
    """A second subscriber of one group on one topic is refused with a sentence."""
    topic = await embedded.topic()
    first, _, _ = embedded.reader(topic)
    await first.start()
    second, _, _ = embedded.reader(topic)
    with pytest.raises(GroupTaken, match="one member per topic"):
        await second.start()
    await first.stop()
    third, taken, _ = embedded.reader(topic)
    await third.start()
    await embedded.append(topic, b"v1")
    await until(lambda: taken)


@pytest.mark.kafka
async def test_members_of_a_kafka_group_share(kafka: Scene) -> None:
    """Two members of one group get each record once between them."""
    topic = await kafka.topic(partitions=2)
    first, taken_by_first, _ = kafka.reader(topic)
    second, taken_by_second, _ = kafka.reader(topic)
    await asyncio.gather(first.start(), second.start())
    for n in range(40):
        await kafka.append(topic, b"%d" % n, key=b"key-%d" % n)
    await until(lambda: len(taken_by_first) + len(taken_by_second) >= 40)
    await acknowledged(kafka, topic)
    both = [int(record.value) for record in (*taken_by_first, *taken_by_second)]
    assert set(both) == set(range(40))


@pytest.mark.parametrize("policy", [AckPolicy.ACK_FIRST, AckPolicy.NACK_ON_ERROR])
async def test_the_embedded_bus_refuses_workers(embedded: Scene, policy: AckPolicy) -> None:
    """A subscriber with several workers is refused at start."""
    topic = await embedded.topic()
    broker = embedded.bus.broker("suite")

    @broker.subscriber(topic, group_id=embedded.group(), max_workers=3, ack_policy=policy)
    async def take(body: bytes) -> None: ...

    with pytest.raises(SetupError, match="max_workers"):
        await broker.start()


@pytest.mark.kafka
async def test_kafka_serves_workers(kafka: Scene) -> None:
    """A subscriber with several workers gets each record once, in the order of its key."""
    topic = await kafka.topic(partitions=3)
    broker = kafka.bus.broker("suite")
    got: list[bytes] = []

    @broker.subscriber(topic, group_id=kafka.group(), max_workers=3, auto_offset_reset="earliest")
    async def take(body: bytes) -> None:
        got.append(body)

    await broker.start()
    for key in (b"a", b"b", b"c"):
        await kafka.append(topic, *(key + b"%d" % n for n in range(5)), key=key)
    await until(lambda: len(got) >= 15)
    for key in (b"a", b"b", b"c"):
        assert [body for body in got if body[:1] == key] == [key + b"%d" % n for n in range(5)]
