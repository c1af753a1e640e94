"""Order, groups, resuming and repeating: what every consumer of the bus relies on."""

import asyncio
from typing import Any

import pytest
from aiokafka.structs import TopicPartition
from faststream.kafka import KafkaMessage
from faststream.middlewares import AckPolicy

from shared.messaging.appender import OutboxRecord
from tests.bus.scene import Scene, acknowledged, until

pytestmark = pytest.mark.anyio


async def test_order_holds_per_key(scene: Scene) -> None:
    """Records of one key arrive in the order they were appended, over several partitions too."""
    topic = await scene.topic(partitions=3)
    rows = [OutboxRecord(topic, b"key-%d" % (n % 7), b"%d" % n, []) for n in range(210)]
    await scene.append_rows(rows)
    broker, taken, _ = scene.reader(topic)
    await broker.start()
    await until(lambda: len(taken) == len(rows))
    for key in {row.key for row in rows}:
        arrived = [record.value for record in taken if record.key == key]
        assert arrived == [row.value for row in rows if row.key == key]


async def test_a_group_resumes_where_it_stopped(scene: Scene) -> None:
    """What a stopped group has acknowledged does not come again; what came meanwhile does."""
    topic = await scene.topic()
    await scene.append(topic, b"v1", b"v2")
    first, taken, _ = scene.reader(topic)
    await first.start()
    await until(lambda: len(taken) == 2)
    await first.stop()
    await scene.append(topic, b"v3")
    second, taken_later, _ = scene.reader(topic)
    await second.start()
    await until(lambda: taken_later)
    await asyncio.sleep(0.1)
    assert [record.value for record in taken_later] == [b"v3"]


async def test_a_failed_record_comes_again_before_the_next(scene: Scene) -> None:
    """After an error the same record is handed out again, and nothing behind it passes."""
    topic = await scene.topic()
    broker = scene.bus.broker("suite")
    handed: list[bytes] = []

    @broker.subscriber(topic, group_id=scene.group(), auto_offset_reset="earliest")
    async def take(body: bytes) -> None:
        handed.append(body)
        if handed.count(b"b") in (1, 2) and body == b"b":
            raise RuntimeError("not yet")

    await broker.start()
    await scene.append(topic, b"a", b"b", b"c")
    await until(lambda: b"c" in handed)
    assert handed == [b"a", b"b", b"b", b"b", b"c"]


async def test_a_failed_batch_comes_again_whole(scene: Scene) -> None:
    """Raising from a batch of several topics seeks each back: the same records come again."""
    topics = [await scene.topic(), await scene.topic()]
    for topic in topics:
        await scene.append(topic, b"v1", b"v2", b"v3")
    failures = [True, True]
    broker, taken, handed = scene.reader(*topics, fails=lambda _: bool(failures and failures.pop()))
    await broker.start()
    await until(lambda: len(taken) >= 6)
    first = [(record.topic, record.offset) for record in handed[0]]
    again = [(record.topic, record.offset) for batch in handed[1:] for record in batch]
    assert set(first) <= set(again)
    for topic in topics:
        assert [record.offset for record in taken if record.topic == topic] == [0, 1, 2]
    await acknowledged(scene, *topics)


async def test_a_failed_batch_is_not_acknowledged(scene: Scene) -> None:
    """A group whose every batch fails stays behind by all of it."""
    topic = await scene.topic()
    await scene.append(topic, b"v1", b"v2")

    async def breathe() -> None:
        await asyncio.sleep(0)

    broker, taken, handed = scene.reader(topic, fails=lambda _: True)
    await broker.start()
    await until(lambda: len(handed) >= 3)
    await breathe()
    assert not taken
    assert await scene.lag(topic) == 2


async def test_groups_are_independent(scene: Scene) -> None:
    """Each group gets every record, whatever another has acknowledged."""
    topic = await scene.topic()
    await scene.append(topic, b"v1", b"v2")
    one, taken_by_one, _ = scene.reader(topic, group=scene.group("one"))
    await one.start()
    await until(lambda: len(taken_by_one) == 2)
    other, taken_by_other, _ = scene.reader(topic, group=scene.group("other"))
    await other.start()
    await until(lambda: len(taken_by_other) == 2)


async def test_latest_begins_at_the_end(scene: Scene) -> None:
    """A new group that begins at the latest gets what comes after it started, and no more."""
    topic = await scene.topic()
    await scene.append(topic, b"before")
    broker, taken, _ = scene.reader(topic, reset="latest")
    await broker.start()
    consumer: Any = broker.subscribers[0].consumer  # type: ignore[attr-defined]  # a Kafka one
    assert await consumer.position(TopicPartition(topic, 0)) == 1
    await scene.append(topic, b"after")
    await until(lambda: taken)
    assert [record.value for record in taken] == [b"after"]


async def test_what_a_dropped_consumer_held_comes_again(scene: Scene) -> None:
    """A consumer that goes away in the middle of a record leaves it to the next one."""
    topic = await scene.topic()
    await scene.append(topic, b"v1")
    dropped = scene.bus.broker("suite")
    begun = asyncio.Event()

    @dropped.subscriber(topic, group_id=scene.group(), auto_offset_reset="earliest")
    async def take(body: bytes) -> None:
        begun.set()
        await asyncio.Event().wait()

    await dropped.start()
    await asyncio.wait_for(begun.wait(), 10)
    subscriber: Any = dropped.subscribers[0]
    for task in subscriber.tasks:
        task.cancel()
    await subscriber.consumer.stop()
    heir, taken, _ = scene.reader(topic)
    await heir.start()
    await until(lambda: taken)
    assert [record.value for record in taken] == [b"v1"]


async def test_an_acknowledgement_covers_what_came_before(scene: Scene) -> None:
    """Acknowledging the third record by hand acknowledges the first two as well."""
    topic = await scene.topic()
    broker = scene.bus.broker("suite")
    seen: list[bytes] = []

    @broker.subscriber(
        topic,
        group_id=scene.group(),
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
    )
    async def take(body: bytes, message: KafkaMessage) -> None:
        seen.append(body)
        if body == b"v3":
            await message.ack()

    await scene.append(topic, b"v1", b"v2", b"v3", b"v4")
    await broker.start()
    await until(lambda: len(seen) == 4)
    assert await scene.lag(topic) == 1
    await broker.stop()
    heir, taken, _ = scene.reader(topic)
    await heir.start()
    await until(lambda: taken)
    assert [record.value for record in taken] == [b"v4"]


async def test_a_pattern_subscribes_to_all_that_match(scene: Scene) -> None:
    """A subscriber by pattern hears every declared topic whose name matches."""
    topics = [await scene.topic(), await scene.topic()]
    broker = scene.bus.broker("suite")
    heard: list[bytes] = []

    @broker.subscriber(
        pattern=rf"suite\.{scene.mark}\..*",
        group_id=scene.group(),
        auto_offset_reset="earliest",
    )
    async def take(body: bytes) -> None:
        heard.append(body)

    await broker.start()
    for number, topic in enumerate(topics):
        await scene.append(topic, b"v%d" % number)
    await until(lambda: len(heard) == 2)
    assert sorted(heard) == [b"v0", b"v1"]


async def test_no_partition_waits_until_another_is_read_to_its_end(kafka: Scene) -> None:
    """A reader that is far behind reads all its topics side by side: they rest on one another."""
    topics = [await kafka.topic(), await kafka.topic()]
    for topic in topics:
        await kafka.append(topic, *(b"%d" % n for n in range(1000)))
    broker, taken, _ = kafka.reader(*topics)
    await broker.start()
    await until(lambda: len(taken) == 2000)
    half = [record.topic for record in taken[:1000]]
    assert min(half.count(topic) for topic in topics) >= 200
