"""What is in a record arrives as it was sent, and no record can stop a batch."""

import asyncio
from typing import Any

import pytest
from aiokafka.structs import RecordMetadata, TopicPartition
from faststream.kafka import KafkaMessage
from pydantic import BaseModel

from shared.messaging.appender import OutboxRecord
from tests.bus.scene import Scene, acknowledged, until

pytestmark = pytest.mark.anyio

JSON = [("content-type", b"application/json")]


class Booked(BaseModel):
    """A message of this suite."""

    room: str


async def test_key_value_and_headers_arrive_intact(scene: Scene) -> None:
    """Keys, values and headers (repeated and binary ones too) are bytes, untouched, in order."""
    topic = await scene.topic()
    headers = [("ce_id", b"1"), ("ce_id", b"2"), ("blob", b"\xff\x00\n,"), ("empty", b"")]
    await scene.append_rows([OutboxRecord(topic, b"\x00key\xfe", b"\x00\xffvalue", headers)])
    broker, taken, _ = scene.reader(topic)
    await broker.start()
    await until(lambda: taken)
    (record,) = taken
    assert (record.topic, record.partition, record.offset) == (topic, 0, 0)
    assert (record.key, record.value) == (b"\x00key\xfe", b"\x00\xffvalue")
    assert [tuple(header) for header in record.headers] == headers
    assert record.timestamp > 1_700_000_000_000


async def test_a_raw_batch_survives_every_record(scene: Scene) -> None:
    """An undecodable body, a header that is no text, a tombstone and an empty body come through."""
    topic = await scene.topic()
    rows = [
        OutboxRecord(topic, b"k", b"{no json", JSON),
        OutboxRecord(topic, b"k", b"{}", [("note", b"\xff\xfe")]),
        OutboxRecord(topic, b"k", None, JSON),
        OutboxRecord(topic, b"k", b"", JSON),
        OutboxRecord(topic, None, b"keyless", []),
    ]
    await scene.append_rows(rows)
    broker, taken, _ = scene.reader(topic)
    await broker.start()
    await until(lambda: len(taken) == len(rows))
    assert [record.value for record in taken] == [row.value for row in rows]
    assert [record.key for record in taken] == [row.key for row in rows]
    assert taken[1].headers[0][1] == b"\xff\xfe"
    await acknowledged(scene, topic)


async def test_a_header_that_is_no_text_does_not_lose_the_record(scene: Scene) -> None:
    """A handler of a typed message gets a record whose header is not UTF-8, mended."""
    topic = await scene.topic()
    broker = scene.bus.broker("suite")
    got: list[tuple[Booked, str]] = []
    stored: list[Any] = []

    @broker.subscriber(topic, group_id=scene.group(), auto_offset_reset="earliest")
    async def take(body: Booked, message: KafkaMessage) -> None:
        got.append((body, message.headers["note"]))
        stored.append(message.raw_message)

    await broker.start()
    await scene.append_rows(
        [OutboxRecord(topic, b"k", b'{"room": "A"}', [*JSON, ("note", b"caf\xe9")])]
    )
    await until(lambda: got)
    assert got == [(Booked(room="A"), "caf\N{REPLACEMENT CHARACTER}")]
    assert dict(stored[0].headers)["note"] == b"caf\xe9"
    await acknowledged(scene, topic)


async def test_an_undecodable_body_repeats_and_blocks_visibly(scene: Scene) -> None:
    """A typed handler is not reached by a body that is no JSON, and nothing behind it passes."""
    topic = await scene.topic()
    attempts: list[bytes] = []

    async def watch(call_next: Any, message: Any) -> Any:
        attempts.append(message.body)
        return await call_next(message)

    class Watching:
        def __init__(self, message: Any, *, context: Any) -> None: ...

        async def __aenter__(self) -> "Watching":
            return self

        async def __aexit__(self, *error: object) -> None: ...

        async def consume_scope(self, call_next: Any, message: Any) -> Any:
            return await watch(call_next, message)

    broker = scene.bus.broker("suite", middlewares=[Watching])
    got: list[Booked] = []

    @broker.subscriber(topic, group_id=scene.group(), auto_offset_reset="earliest")
    async def take(body: Booked) -> None:
        got.append(body)

    await broker.start()
    rows = [OutboxRecord(topic, b"k", body, JSON) for body in (b"{no json", b'{"room": "A"}')]
    await scene.append_rows(rows)
    await until(lambda: len(attempts) > 3)
    assert set(attempts) == {b"{no json"}
    assert not got
    assert await scene.lag(topic) == 2


async def test_a_tombstone_reaches_a_typed_handler_as_none(scene: Scene) -> None:
    """Publishing none under a key stores no value, and a handler of `Booked | None` gets none."""
    topic = await scene.topic()
    broker = scene.bus.broker("suite")
    got: list[Booked | None] = []

    @broker.subscriber(topic, group_id=scene.group(), auto_offset_reset="earliest")
    async def take(body: Booked | None) -> None:
        got.append(body)

    raw, taken, _ = scene.reader(topic, group=scene.group("raw"))
    await broker.start()
    await raw.start()
    await broker.publish(Booked(room="A"), topic, key=b"k")
    await broker.publish(None, topic, key=b"k", headers={"content-type": "application/json"})
    await until(lambda: len(got) == 2 and len(taken) == 2)
    assert got == [Booked(room="A"), None]
    assert taken[1].value is None
    assert dict(taken[0].headers)["content-type"] == b"application/json"


async def test_none_without_a_key_is_an_empty_body(scene: Scene) -> None:
    """Publishing none without a key stores an empty value: only a key can have a tombstone."""
    topic = await scene.topic()
    broker, taken, _ = scene.reader(topic)
    await broker.start()
    await broker.publish(None, topic)
    await until(lambda: taken)
    assert (taken[0].key, taken[0].value) == (None, b"")


async def test_publishing_tells_the_place(scene: Scene) -> None:
    """An awaited publish gives the record's place; an unconfirmed one gives a future of it."""
    topic = await scene.topic()
    broker = scene.bus.broker("suite")
    await broker.start()
    confirmed = await broker.publish(Booked(room="A"), topic, key=b"k")
    future = await broker.publish(Booked(room="B"), topic, key=b"k", no_confirm=True)
    assert isinstance(future, asyncio.Future)
    later = await asyncio.wait_for(future, 5)
    assert isinstance(confirmed, RecordMetadata)
    assert (confirmed.topic, confirmed.partition, confirmed.offset) == (topic, 0, 0)
    assert later.topic_partition == TopicPartition(topic, 0)
    assert later.offset == 1


async def test_a_batch_is_published_in_order(scene: Scene) -> None:
    """`publish_batch` stores its messages in their order."""
    topic = await scene.topic()
    broker, taken, _ = scene.reader(topic)
    await broker.start()
    await broker.publish_batch(Booked(room="A"), Booked(room="B"), topic=topic)
    await until(lambda: len(taken) == 2)
    assert [record.value for record in taken] == [b'{"room":"A"}', b'{"room":"B"}']


async def test_concurrent_publishes_all_arrive(scene: Scene) -> None:
    """A hundred tasks that publish at once each get a place of their own."""
    topic = await scene.topic()
    broker = scene.bus.broker("suite")
    await broker.start()
    places = await asyncio.gather(*(broker.publish(b"%d" % n, topic, key=b"k") for n in range(100)))
    assert sorted(place.offset for place in places) == list(range(100))
