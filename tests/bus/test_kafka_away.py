"""What an appender and a consumer do while Kafka is away, and once it is back."""

import asyncio
import time
from collections.abc import Callable

import pytest
from aiokafka.errors import KafkaConnectionError

from shared.messaging.appender import Appender, OutboxRecord
from shared.messaging.broker import KafkaBus
from shared.testing.kafka import KafkaServer
from tests.bus.scene import Scene, acknowledged, until

pytestmark = [pytest.mark.anyio, pytest.mark.kafka, pytest.mark.failures]

ROWS = 400
BATCH = 20


@pytest.mark.parametrize("end", [KafkaServer.kill, KafkaServer.terminate])
async def test_nothing_is_lost_or_reordered_over_an_outage(
    kafka_server: KafkaServer, end: Callable[[KafkaServer], None]
) -> None:
    """A relay that opens a new appender after each error loses no row and keeps the order."""
    bus = KafkaBus(kafka_server.bootstrap_servers, request_timeout_seconds=1)
    await bus.start()
    scene = Scene(bus, "kafka")
    topic = await scene.topic()
    broker, taken, _ = scene.reader(topic)
    await broker.start()
    rows = [OutboxRecord(topic, b"k", b"%d" % n, []) for n in range(ROWS)]
    sent, failures, slowest_close = 0, 0, 0.0
    appender: Appender | None = None

    async def relay() -> None:
        nonlocal sent, failures, slowest_close, appender
        while sent < ROWS:
            try:
                appender = appender or await bus.appender("suite")
                await appender.append(rows[sent : sent + BATCH])
                sent += BATCH
                await asyncio.sleep(0.02)
            except Exception:  # noqa: BLE001  # any error means a new appender
                failures += 1
                if appender is not None:
                    began = time.monotonic()
                    await appender.close()
                    slowest_close = max(slowest_close, time.monotonic() - began)
                    appender = None
                await asyncio.sleep(0.1)

    task = asyncio.create_task(relay())
    await until(lambda: sent >= ROWS // 4)
    await asyncio.to_thread(end, kafka_server)
    await asyncio.sleep(2.5)  # longer than the request time-out
    await asyncio.to_thread(kafka_server.start)
    await asyncio.wait_for(task, 30)
    assert appender is not None
    await appender.close()
    assert failures > 0
    assert slowest_close < 10
    await until(lambda: taken and taken[-1].value == rows[-1].value, 20)
    first_seen = list(dict.fromkeys(record.value for record in taken))
    assert first_seen == [row.value for row in rows]
    began = time.monotonic()
    await bus.stop()
    assert time.monotonic() - began < 10


async def test_a_bus_says_at_once_that_nobody_answers(kafka_server: KafkaServer) -> None:
    """Starting without a server is an error at once, and starting later succeeds."""
    bus = KafkaBus(kafka_server.bootstrap_servers, request_timeout_seconds=1)
    await asyncio.to_thread(kafka_server.terminate)
    began = time.monotonic()
    with pytest.raises(KafkaConnectionError):
        await bus.start()
    assert time.monotonic() - began < 10
    await asyncio.to_thread(kafka_server.start)
    await bus.start()
    await bus.stop()


async def test_stopping_ends_while_kafka_is_away(kafka_server: KafkaServer) -> None:
    """A broker whose server died stops within its bound."""
    bus = KafkaBus(kafka_server.bootstrap_servers, request_timeout_seconds=1)
    await bus.start()
    scene = Scene(bus, "kafka")
    broker, taken, _ = scene.reader(topic := await scene.topic())
    await broker.start()
    await scene.append(topic, b"1")
    await until(lambda: taken)
    await acknowledged(scene, topic)  # else it waits the graceful time for the commit
    await asyncio.to_thread(kafka_server.kill)
    await broker.publish(b"lost", topic, key=b"k", no_confirm=True)
    began = time.monotonic()
    await bus.stop()
    assert time.monotonic() - began < 10
