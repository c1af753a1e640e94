"""Declaring topics, and appending to them as the relay does."""

from datetime import timedelta
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.messaging.appender import OutboxRecord, Unsendable
from shared.messaging.declaration import Change
from tests.bus.scene import Declared, Scene, until

pytestmark = pytest.mark.anyio


async def test_declaring_again_changes_nothing(scene: Scene) -> None:
    """A declaration makes what is missing; the same one again is silent."""
    topics = [
        Declared(f"suite.{scene.mark}.kept"),
        Declared(f"suite.{scene.mark}.week", retention=timedelta(days=7)),
        Declared(f"suite.{scene.mark}.quotes", compacted=True),
    ]
    made = await scene.bus.declare(topics)
    assert sorted(made) == sorted(Change(topic.name, "made") for topic in topics)
    assert await scene.bus.declare(topics) == []


async def test_declaring_alters_what_is_kept_differently(scene: Scene) -> None:
    """Another retention is an alteration, once."""
    name = await scene.topic(retention=timedelta(days=7))
    longer = [Declared(name, retention=timedelta(days=14))]
    assert await scene.bus.declare(longer) == [Change(name, "altered")]
    assert await scene.bus.declare(longer) == []


async def test_a_name_declared_twice_is_refused(scene: Scene) -> None:
    """Two declarations of one name contradict each other."""
    name = f"suite.{scene.mark}.twice"
    with pytest.raises(ValueError, match="twice"):
        await scene.bus.declare([Declared(name), Declared(name, compacted=True)])


async def test_rows_are_appended_in_order(scene: Scene) -> None:
    """All rows of all calls stand in the order they were given."""
    topic = await scene.topic()
    appender = await scene.bus.appender("suite")
    for start in (0, 500):
        await appender.append(
            [OutboxRecord(topic, b"k", b"%d" % n, []) for n in range(start, start + 500)]
        )
    await appender.close()
    broker, taken, _ = scene.reader(topic)
    await broker.start()
    await until(lambda: len(taken) == 1000)
    assert [int(record.value) for record in taken] == list(range(1000))


async def test_an_empty_append_is_nothing(scene: Scene) -> None:
    """No rows are no error."""
    appender = await scene.bus.appender("suite")
    await appender.append([])
    await appender.close()


@pytest.mark.parametrize("flaw", ["too large", "no such topic", "neither key nor value", "text"])
async def test_a_hopeless_row_is_named_and_nothing_is_sent(scene: Scene, flaw: str) -> None:
    """The first row that can never be sent is named; no row of the batch is stored."""
    topic = await scene.topic()
    flawed = {
        "too large": OutboxRecord(topic, b"k", bytes(2_000_000), []),
        "no such topic": OutboxRecord(f"suite.{scene.mark}.nowhere", b"k", b"x", []),
        "neither key nor value": OutboxRecord(topic, None, None, []),
        "text": OutboxRecord(topic, b"k", "no bytes", []),  # type: ignore[arg-type]  # the flaw
    }[flaw]
    good = OutboxRecord(topic, b"k", b"good", [])
    appender = await scene.bus.appender("suite")
    with pytest.raises(Unsendable) as refused:
        await appender.append([good, flawed, good])
    assert refused.value.index == 1
    assert refused.value.reason
    assert await scene.lag(topic) == 0
    await appender.append([good, good])
    await appender.close()
    assert await scene.lag(topic) == 2


async def test_a_compacted_topic_takes_no_row_without_a_key(scene: Scene) -> None:
    """A row without a key can never be sent to a compacted topic, and blocks nothing after it."""
    topic = await scene.topic(compacted=True)
    appender = await scene.bus.appender("suite")
    with pytest.raises(Unsendable) as refused:
        await appender.append([OutboxRecord(topic, None, b"x", [])])
    assert refused.value.index == 0
    await appender.append([OutboxRecord(topic, b"k", b"x", [])])
    await appender.close()
    assert await scene.lag(topic) == 1


@pytest.mark.kafka
async def test_a_server_keeps_what_others_set(kafka: Scene, kafka_bootstrap: str) -> None:
    """Altering a topic keeps the settings of somebody else, and sets all of the declared ones."""
    name = await kafka.topic(compacted=True)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        declared = await _settings(admin, name)
        assert declared["cleanup.policy"] == "compact"
        assert declared["retention.ms"] == "-1"
        assert declared["max.compaction.lag.ms"] == "86400000"
        foreign = declared | {"segment.ms": "60000", "retention.ms": "1000"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, foreign)])
        assert await kafka.bus.declare([Declared(name, compacted=True)]) == [
            Change(name, "altered")
        ]
        assert await _settings(admin, name) == declared | {"segment.ms": "60000"}
    finally:
        await admin.close()


async def _settings(admin: Any, name: str) -> dict[str, str]:
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    ((_, _, _, _, entries),) = response.resources
    return {entry[0]: entry[1] for entry in entries if entry[3] == 1}
