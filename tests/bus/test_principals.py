"""What each principal may do on a real Kafka: its own things, and nothing of anybody else's."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from services.access import every_rule
from services.topology import PARTS, topics_of
from shared.messaging.appender import OutboxRecord
from shared.messaging.broker import KafkaBus
from shared.messaging.credentials import Credentials, LoginRefused
from shared.messaging.principals import ADMIN
from shared.testing.jars import NoKafka
from shared.testing.kafka import KafkaServer
from tests.bus.house_with_principals import ADMIN_PASSWORD, Guarded, guarded
from tests.bus.scene import Scene, until
from tests.required import unavailable

pytestmark = [pytest.mark.anyio, pytest.mark.kafka]

BOOKINGS = "andan.booking.booking.v1"
QUOTES = "andan.surveys.quote.v1"
PARKED = "andan.events.rooms.dlq"
EVENTS = "andan.events.event.v1"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server with the house's topics, users and rules."""
    server = KafkaServer(admin_password=ADMIN_PASSWORD)
    try:
        try:
            server.start()
        except NoKafka as error:
            unavailable(f"no Kafka: {error}")
        yield guarded(server, tmp_path_factory.mktemp("house") / "kafka-passwords")
    finally:
        server.discard()


def record(topic: str, value: bytes = b"{}") -> OutboxRecord:
    """Return a record as a relay would send it."""
    return OutboxRecord(topic, b"key", value, [])


async def append(bus: KafkaBus, *records: OutboxRecord) -> None:
    """Send records as a relay would."""
    appender = await bus.appender("suite")
    try:
        await appender.append(records)
    finally:
        await appender.close()


async def test_a_service_does_its_own_things(kafka: Guarded) -> None:
    """It writes its topics and dead letters, hears what it subscribes to, and sees its lag."""
    async with kafka.as_service("booking") as booking, kafka.as_service("events") as events:
        await append(booking, record(BOOKINGS, b"confirmed"))
        await append(events, record(EVENTS, b"published"), record(PARKED, b"parked"))
        scene = Scene(events, "kafka")
        group = "andan.events.rooms"
        await events.rewind(group, [BOOKINGS])
        broker, taken, _ = scene.reader(BOOKINGS, group=group)
        await broker.start()
        await until(lambda: taken, 20)
        assert taken[0].value == b"confirmed"
        async with asyncio.timeout(20):
            while await scene.lag(BOOKINGS, group=group):  # nobody tells a test
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("topic", [BOOKINGS, QUOTES, "andan.booking.rooms.dlq", "anybody.s"])
async def test_a_foreign_write_is_refused(kafka: Guarded, topic: str) -> None:
    """Events may not write to booking's topic, whether it may read it or not."""
    async with kafka.as_service("events") as events:
        with pytest.raises(TopicAuthorizationFailedError):
            await append(events, record(topic))
        await append(events, record(EVENTS))


async def test_a_topic_it_does_not_hear_cannot_be_read(kafka: Guarded) -> None:
    """Booking neither sees the topic of quotes nor gets a record of it."""
    async with kafka.as_service("booking") as booking:
        broker, _, _ = Scene(booking, "kafka").reader(QUOTES, group="andan.booking.rooms")
        with pytest.raises(UnknownTopicOrPartitionError, match="hidden from this principal"):
            await broker.start()
        consumer = AIOKafkaConsumer(
            QUOTES, **booking._connection("suite"), group_id="andan.booking.rooms"
        )
        with pytest.raises(TopicAuthorizationFailedError):
            await start_and_read(consumer)


async def test_a_foreign_group_is_refused(kafka: Guarded) -> None:
    """Events may read bookings, but not as reporting: it would take its messages away."""
    async with kafka.as_service("events") as events:
        consumer = AIOKafkaConsumer(
            BOOKINGS, **events._connection("suite"), group_id="andan.reporting.figures"
        )
        with pytest.raises(GroupAuthorizationFailedError):
            await start_and_read(consumer)
        with pytest.raises(GroupAuthorizationFailedError):
            await events.rewind("andan.reporting.figures", [BOOKINGS])


async def test_a_service_makes_neither_topics_nor_rules(kafka: Guarded) -> None:
    """It can give itself nothing: no topic, not even one of its own, no user and no rule."""
    admin = AIOKafkaAdminClient(**kafka.bus("events")._connection("suite"))
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic("andan.events.more.v1", 1, 1)])
        (code,) = {each["error_code"] for each in answer.to_object()["topic_errors"]}
        assert for_code(code) is TopicAuthorizationFailedError
        answer = await admin.delete_topics([EVENTS])
        assert for_code(answer.topic_error_codes[0][1]) is TopicAuthorizationFailedError
    finally:
        await admin.close()
    async with kafka.bus("events").access() as access:
        with pytest.raises(ClusterAuthorizationFailedError):
            await access.bring(every_rule(), {})


async def test_the_administrator_reads_positions_and_sets_them_back(kafka: Guarded) -> None:
    """A backup notes where every group is, and a restore sets each back, without being a member."""
    group, topics = "andan.reporting.figures", [BOOKINGS]
    async with kafka.as_service("booking") as booking:
        await append(booking, *(record(BOOKINGS) for _ in range(3)))
    async with kafka.as_service("reporting") as reporting:
        await reporting.rewind(group, topics)
        before = sum((await reporting.lag(group, topics)).values())
        async with kafka.bus_of(ADMIN, ADMIN_PASSWORD).positions() as positions:
            noted = await positions.committed({group: topics})
            assert sum(each or 0 for each in noted[group][BOOKINGS]) == 0
            broker, taken, _ = Scene(reporting, "kafka").reader(BOOKINGS, group=group)
            await broker.start()
            await until(lambda: len(taken) >= before, 20)
            await broker.stop()
            await positions.set_back(noted)
        assert sum((await reporting.lag(group, topics)).values()) == before >= 3


async def test_a_service_cannot_set_another_back(kafka: Guarded) -> None:
    """A restore is the administrator's: nobody else may touch the place of a foreign group."""
    async with kafka.bus("events").positions() as positions:
        with pytest.raises(GroupAuthorizationFailedError):
            await positions.set_back({"andan.reporting.figures": {BOOKINGS: [0]}})
    with pytest.raises(LoginRefused):
        async with kafka.bus_of(ADMIN, "guessed").positions():
            pass


@pytest.mark.parametrize("name", ["andan.events", "andan.nobody", ADMIN])
async def test_a_wrong_password_is_told(kafka: Guarded, name: str) -> None:
    """Whoever is not believed is told so at once, and not that the server is away."""
    with pytest.raises(LoginRefused, match=f"does not let {name} in with this password"):
        await kafka.bus_of(name, "guessed").start()


async def test_nobody_is_let_in_without_a_name(kafka: Guarded) -> None:
    """A process that was given no user is told which variables are missing."""
    with pytest.raises(LoginRefused, match="KAFKA_USERNAME and KAFKA_PASSWORD are needed"):
        await KafkaBus(kafka.server.bootstrap_servers, request_timeout_seconds=3).start()


async def test_a_server_without_users_is_told(kafka_bootstrap: str) -> None:
    """Who logs in where nobody is asked learns that this is not the server he was meant for."""
    bus = KafkaBus(kafka_bootstrap, credentials=Credentials("andan.events", "secret"))
    with pytest.raises(LoginRefused, match="knows no users, or not SCRAM-SHA-512"):
        await bus.start()


@pytest.mark.parametrize("service", PARTS)
async def test_a_service_sees_all_that_it_needs(kafka: Guarded, service: str) -> None:
    """Each service is let in, and sees exactly the topics that it writes or hears."""
    async with kafka.as_service(service) as bus:
        async with asyncio.timeout(20):
            await bus.wait_for(topics_of(PARTS[service]))
        admin = AIOKafkaAdminClient(**bus._connection("suite"))
        await admin.start()
        try:
            assert set(await admin.list_topics()) == topics_of(PARTS[service])
        finally:
            await admin.close()


async def test_rules_outlive_a_restart(kafka: Guarded, tmp_path: Path) -> None:
    """After the server was killed, everybody is who he was and may what he might."""
    kafka.server.kill()
    kafka.server.start()
    async with kafka.as_service("events") as events:
        await append(events, record(EVENTS))
        with pytest.raises(TopicAuthorizationFailedError):
            await append(events, record(BOOKINGS))


async def start_and_read(consumer: AIOKafkaConsumer) -> None:
    """Read one record; raises what keeps a consumer from it."""
    try:
        async with asyncio.timeout(20):
            await consumer.start()
            await consumer.getone()
    finally:
        await consumer.stop()
