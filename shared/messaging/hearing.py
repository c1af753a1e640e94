"""A subscription on a broker: FastStream's batch subscriber hands its records to the consumer."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka.structs import ConsumerRecord
from faststream.middlewares import AckPolicy

from shared.clock import ReplayClock
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

    gathering = _Gathering(
        0 if isinstance(consumer.clock, ReplayClock) else subscription.gather_seconds
    )

    async def take(records: Sequence[Any]) -> None:
        if len(records) < BATCH:
            await gathering.pause()
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


class _Gathering:
    """Keeps batches apart; one that comes after a silence is taken at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    async def pause(self) -> None:
        """Wait until the last batch is long enough ago."""
        if not self._seconds:
            return
        loop = asyncio.get_running_loop()
        if (left := self._next - loop.time()) > 0:
            await asyncio.sleep(left)
        self._next = loop.time() + self._seconds


def _received(record: "ConsumerRecord[bytes, bytes]") -> Any:
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return read(record.topic, record.key, record.headers, record.value, place)
