"""A subscription on a broker: FastStream's batch subscriber hands its records to the consumer."""

from collections.abc import Sequence
from typing import Any

from aiokafka.structs import ConsumerRecord
from faststream.middlewares import AckPolicy

from shared.messaging.broker import BusBroker
from shared.messaging.consumer import Consumer
from shared.messaging.parsing import decode_raw, parse_raw
from shared.messaging.received import read

BATCH = 200


def attach(broker: BusBroker, consumer: Consumer) -> None:
    """Subscribe: a batch that `take` returns from is acknowledged, one it raises on comes again."""
    subscription = consumer.subscription
    if not subscription.topics:
        return

    async def take(records: Sequence[Any]) -> None:
        await consumer.take([_received(record) for record in records])

    broker.subscriber(
        *subscription.topics,
        group_id=subscription.group,
        batch=True,
        max_records=BATCH,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        session_timeout_ms=10_000,
        heartbeat_interval_ms=1_000,
        parser=parse_raw,
        decoder=decode_raw,
        title=subscription.group,
    )(take)


def _received(record: "ConsumerRecord[bytes, bytes]") -> Any:
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return read(record.topic, record.key, record.headers, record.value, place)
