"""A subscription on a broker: FastStream's batch subscriber hands its records to the consumer."""

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.structs import ConsumerRecord
from faststream.middlewares import AckPolicy

from shared.clock import ReplayClock
from shared.messaging.broker import BusBroker
from shared.messaging.consumer import Consumer
from shared.messaging.parsing import decode_raw, parse_raw
from shared.messaging.received import read
from shared.messaging.subscription import Subscription

BATCH = 200


@dataclass(frozen=True)
class Membership:
    """How a process belongs to its consumer groups on Kafka; the embedded bus has no others.

    One with an `instance` keeps its partitions for `session_seconds` when it is away, whether it
    was killed or stopped: back within them it goes on with its own, and nobody is rebalanced.
    """

    instance: str = ""
    session_seconds: float = 10.0

    def options(self, subscription: Subscription) -> dict[str, Any]:
        """Return what a subscriber is told of it.

        A ledger's group is left at every stop: whoever starts next rewinds it, which only a group
        without members allows.
        """
        milliseconds = int(self.session_seconds * 1000)
        is_static = self.instance and not subscription.is_ledger
        return {
            "session_timeout_ms": milliseconds,
            "heartbeat_interval_ms": milliseconds // 10,
            "group_instance_id": f"{subscription.group}-{self.instance}" if is_static else None,
        }


ALONE = Membership()


def attach(broker: BusBroker, consumer: Consumer, membership: Membership = ALONE) -> None:
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
        batch = _in_time(records) if subscription.acts else records
        await consumer.take([_received(record) for record in batch])

    broker.subscriber(
        *subscription.topics,
        group_id=subscription.group,
        batch=True,
        max_records=BATCH,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        **membership.options(subscription),
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


def _in_time(records: Sequence[Any]) -> Iterable[Any]:
    """Return a batch in the order of its time, each partition in its own.

    What rests on something said just before, on another topic, then seldom has to wait for it.
    """
    lines: defaultdict[tuple[str, int], list[Any]] = defaultdict(list)
    for record in records:
        lines[record.topic, record.partition].append(record)
    return heapq.merge(*lines.values(), key=_time_and_id)


def _time_and_id(record: "ConsumerRecord[bytes, bytes]") -> tuple[int, bytes]:
    """Return what orders records of several partitions: ids grow within a millisecond."""
    ids = [value for name, value in record.headers if name == "ce_id" and value]
    return record.timestamp, ids[0] if ids else b""


def _received(record: "ConsumerRecord[bytes, bytes]") -> Any:
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return read(record.topic, record.key, record.headers, record.value, place)
