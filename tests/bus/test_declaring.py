"""What a declaration alters on a real Kafka, and what it refuses because it would lose by it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.messaging.broker import KafkaBus
from shared.messaging.declaration import Change, Described, Difference, TopicDiffers, differences
from tests.bus.scene import Declared, Scene

pytestmark = [pytest.mark.anyio, pytest.mark.kafka]

WEEK, FORTNIGHT = timedelta(days=7), timedelta(days=14)

HARMLESS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "kept longer": ({"retention": WEEK}, {"retention": FORTNIGHT}),
    "kept for ever": ({"retention": WEEK}, {"retention": None}),
    "compacted, no longer deleted": (
        {"retention": WEEK, "compacted": True},
        {"retention": None, "compacted": True},
    ),
    "no longer compacted, kept for ever": (
        {"retention": None, "compacted": True},
        {"retention": None},
    ),
}
LOSING: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "kept shorter": (
        {"retention": FORTNIGHT},
        {"retention": WEEK},
        "retention.ms is 14 days, declared 7 days (what is older would be lost)",
    ),
    "no longer for ever": (
        {"retention": None},
        {"retention": WEEK},
        "retention.ms is for ever, declared 7 days",
    ),
    "deleted, not only compacted": (
        {"retention": None, "compacted": True},
        {"retention": WEEK, "compacted": True},
        "cleanup.policy is compact, declared compact,delete",
    ),
    "compacted, not kept record by record": (
        {"retention": None},
        {"retention": None, "compacted": True},
        "cleanup.policy is delete, declared compact (all but the last record of each key",
    ),
}


@pytest.mark.parametrize("case", HARMLESS)
async def test_what_loses_nothing_is_altered(kafka: Scene, case: str) -> None:
    """A topic that is to be kept longer, or less is to be taken from it, is altered; then is so."""
    before, after = HARMLESS[case]
    name = await kafka.topic(**before)
    wanted = [Declared(name, **after)]
    assert await compare(kafka, wanted)
    assert await kafka.bus.declare(wanted) == [Change(name, "altered")]
    assert await compare(kafka, wanted) == []
    assert await kafka.bus.declare(wanted) == []


@pytest.mark.parametrize("case", LOSING)
async def test_what_would_lose_records_needs_a_word(kafka: Scene, case: str) -> None:
    """It is refused in a sentence, with nothing changed at all, until the loss is accepted."""
    before, after, sentence = LOSING[case]
    name = await kafka.topic(**before)
    other = f"{name}.beside"
    wanted = [Declared(name, **after), Declared(other)]
    with pytest.raises(TopicDiffers) as refused:
        await kafka.bus.declare(wanted)
    assert f"{name}: {sentence}" in str(refused.value)
    assert await compare(kafka, [Declared(name, **before)]) == []
    assert [str(each) for each in await compare(kafka, [Declared(other)])] == [f"{other}: missing"]
    assert isinstance(kafka.bus, KafkaBus)
    assert set(await kafka.bus.declare(wanted, accept_loss=True)) == {
        Change(name, "altered"),
        Change(other, "made"),
    }
    assert await compare(kafka, wanted) == []


@pytest.mark.parametrize("declared", [1, 3])
async def test_partitions_are_never_altered(kafka: Scene, declared: int) -> None:
    """Neither fewer nor more, whatever is accepted: the order of keys would break."""
    name = await kafka.topic(partitions=2)
    assert isinstance(kafka.bus, KafkaBus)
    with pytest.raises(TopicDiffers, match=rf"partitions is 2, declared {declared} \(keys would"):
        await kafka.bus.declare([Declared(name, partitions=declared)], accept_loss=True)


async def test_fewer_in_sync_is_a_loss_and_more_is_none(kafka: Scene, kafka_bootstrap: str) -> None:
    """A stricter minimum of replicas in sync is set; a looser one is refused."""
    name = await kafka.topic()
    strict = KafkaBus(kafka_bootstrap, min_insync=2)
    await strict.start()
    try:
        (found,) = await strict.compare([Declared(name)])
        assert str(found) == f"{name}: min.insync.replicas is 1, declared 2"
        assert await strict.declare([Declared(name)]) == [Change(name, "altered")]
    finally:
        await strict.stop()
    with pytest.raises(TopicDiffers, match="replicas is 2, declared 1"):
        await kafka.bus.declare([Declared(name)])


async def test_more_replicas_are_left_to_kafkas_own_command(
    kafka: Scene, kafka_bootstrap: str
) -> None:
    """A topic on fewer servers than declared is told, and nothing is done about it here."""
    name = await kafka.topic()
    cluster = KafkaBus(kafka_bootstrap, replicas=3)
    await cluster.start()
    try:
        with pytest.raises(TopicDiffers, match="replicas is 1, declared 3"):
            await cluster.declare([Declared(name)], accept_loss=True)
    finally:
        await cluster.stop()
    several = Described(1, 3, {}, {})
    found = [each.what for each in differences(Declared(name), several, replicas=1, settings={})]
    assert "replicas" not in found


async def test_tombstones_live_as_long_as_before(kafka: Scene, kafka_bootstrap: str) -> None:
    """A shorter life of tombstones than a topic has now is refused: somebody may be away."""
    name = await kafka.topic(compacted=True)
    longer = {"delete.retention.ms": str(30 * 86_400_000)}
    await set_on_topic(kafka_bootstrap, name, longer | {"cleanup.policy": "compact"})
    with pytest.raises(TopicDiffers, match="is 30 days, declared 7 days"):
        await kafka.bus.declare([Declared(name, compacted=True)])


async def test_waiting_ends_when_the_topics_are_made(
    kafka: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """Who waits for topics says so once, and goes on as soon as somebody else has made them."""
    assert isinstance(kafka.bus, KafkaBus)
    name = f"suite.{kafka.mark}.later"
    waiting = asyncio.create_task(kafka.bus.wait_for([name]))
    await asyncio.sleep(1)
    assert not waiting.done()
    await kafka.bus.declare([Declared(name)])
    await asyncio.wait_for(waiting, 10)
    told = [each.getMessage() for each in caplog.records if "waiting for" in each.getMessage()]
    assert len(told) == 1
    assert name in told[0]


async def compare(scene: Scene, topics: list[Declared]) -> list[Difference]:
    """Return in what the server differs from these declarations."""
    assert isinstance(scene.bus, KafkaBus)
    return await scene.bus.compare(topics)


async def set_on_topic(bootstrap: str, name: str, settings: dict[str, str]) -> None:
    """Set a topic's settings as somebody with Kafka's own tools would."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, settings)])
    finally:
        await admin.close()
