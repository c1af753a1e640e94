"""A producer and an admin client of the embedded log, with aiokafka's methods."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka.errors import ProducerClosed, UnknownTopicOrPartitionError
from aiokafka.structs import RecordMetadata, TopicPartition

from shared.messaging.embedded.headers import Headers
from shared.messaging.embedded.log import EmbeddedLog, NewRecord


class Batch:
    """Records that go to one topic together."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes | None, Headers, int | None]] = []

    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> int:
        """Add a record; return its place in the batch."""
        self.records.append((key, value, headers, timestamp))
        return len(self.records) - 1


class EmbeddedProducer:
    """Appends to the log; what one turn of the loop sends is stored and synced together."""

    def __init__(self, log: EmbeddedLog) -> None:
        self._log = log
        self._closed = False

    async def start(self) -> None:
        """Do nothing: there is nobody to connect to."""

    async def stop(self) -> None:
        """Store what was sent and take no more."""
        self._log.flush()
        self._closed = True

    async def flush(self) -> None:
        """Store what was sent."""
        self._log.flush()

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Headers | None = None,
    ) -> asyncio.Future[RecordMetadata]:
        """Hand over one record; the future gives its place once it is synced to disk."""
        self._ready(topic, partition)
        record = NewRecord(topic, key, value, tuple(headers or ()), timestamp_ms)
        stamp = self._log.now_ms() if timestamp_ms is None else timestamp_ms
        return _placed(self._log.send(record), topic, stamp)

    def create_batch(self) -> Batch:
        """Return an empty batch."""
        return Batch()

    async def send_batch(
        self, batch: Batch, topic: str, *, partition: int | None
    ) -> asyncio.Future[RecordMetadata]:
        """Hand over a batch; the future gives the place of its first record."""
        self._ready(topic, partition)
        futures = [
            self._log.send(NewRecord(topic, key, value, tuple(headers), timestamp))
            for key, value, headers, timestamp in batch.records
        ]
        return _placed(futures[0], topic, self._log.now_ms())

    def _ready(self, topic: str, partition: int | None) -> None:
        if self._closed:
            raise ProducerClosed
        self._log.topic(topic)
        if partition not in (None, 0):
            msg = f"topic {topic} has one partition on the embedded bus, not {partition}"
            raise UnknownTopicOrPartitionError(msg)


class EmbeddedAdmin:
    """What a broker's `ping` asks."""

    def __init__(self, log: EmbeddedLog) -> None:
        self._log = log

    async def describe_cluster(self) -> dict[str, Any]:
        """Answer if the log is open; raise `LogFailure` if it is not."""
        self._log.ping()
        return {"cluster_id": "embedded", "brokers": [{"node_id": 0}], "controller_id": 0}

    async def close(self) -> None:
        """Do nothing: the log is the bus's."""


def _placed(stored: asyncio.Future[int], topic: str, stamp: int) -> asyncio.Future[RecordMetadata]:
    placed: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
    partition = TopicPartition(topic, 0)

    def tell(done: asyncio.Future[int]) -> None:
        error = done.exception()
        if placed.done():
            return
        if error is not None:
            placed.set_exception(error)
        else:
            placed.set_result(RecordMetadata(topic, 0, partition, done.result(), stamp, 0, 0))

    stored.add_done_callback(tell)
    return placed
