"""Apache Kafka behind the bus: the patient consumer and the relay's appender."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import ConsumerStoppedError, KafkaError, UnknownError
from aiokafka.structs import ConsumerRecord, TopicPartition

from shared.messaging.appender import HOPELESS, OutboxRecord, Unsendable
from shared.messaging.fencing import Duel

LARGEST = 1 << 20  # bytes of a request, aiokafka's and the broker's default
FRAME = 512  # bytes to leave for the frame of a record and its batch
CLOSE_SECONDS = 2.0
POLL_MS = 1000
COMPANY_SECONDS = 0.025
"""How long a batch waits for what was written with its records, on partitions not read so far."""

_Records = dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]


class PatientConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka carries no types
    """aiokafka's consumer, but a batch waits until there is one, and is fair to all partitions.

    FastStream sleeps a whole time-out after each empty batch, which would make a message wait.
    aiokafka empties one partition before the next, and a server answers as soon as one partition
    has something: what rests on a message of another topic would be read long before it.
    """

    _duel: Duel | None = None

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: float = 0, max_records: int | None = None
    ) -> _Records:
        """Return records as soon as there are any; give up only for a caller that wants one."""
        if max_records == 1:
            return await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=1)  # type: ignore[no-any-return]  # aiokafka carries no types
        while True:
            found: _Records = await super().getmany(*partitions, timeout_ms=POLL_MS, max_records=1)
            if self._group_instance_id is not None:
                self._duel = self._duel or Duel(self._group_id, self._group_instance_id)
                self._duel.look(self._coordinator.member_id)
            if found:
                room = (max_records or self._max_poll_records) - 1
                if room := await self._fill(found, partitions, room):
                    await asyncio.sleep(COMPANY_SECONDS)
                    await self._fill(found, partitions, room)
                return found

    async def _fill(self, found: _Records, partitions: Sequence[TopicPartition], room: int) -> int:
        """Add what was fetched, as much of each partition as of any other; return the room left."""
        with contextlib.suppress(KafkaError, ConsumerStoppedError):  # told at the next call
            while fetched := [
                each for each in self._fetcher._records if not partitions or each in partitions
            ]:
                before, share = room, max(1, room // len(fetched))
                for part in fetched[:room]:
                    more = await super().getmany(part, timeout_ms=0, max_records=share)
                    for records in more.values():
                        found.setdefault(part, []).extend(records)
                        room -= len(records)
                if room in (0, before):
                    break
        return room


class KafkaAppender:
    """One idempotent producer for one task; thrown away after any error.

    aiokafka's idempotent producer can break for good (every later send out of sequence), so an
    appender never goes on with one that has failed.
    """

    def __init__(self, connection: Mapping[str, Any], timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout = timeout_seconds
        self._producer: AIOKafkaProducer | None = None
        self._known: set[str] = set()

    async def append(self, rows: Sequence[OutboxRecord]) -> None:
        """Send rows in order and wait until all replicas in sync have them all."""
        try:
            async with asyncio.timeout(self._timeout * 2 + 1):
                producer = await self._started()
                await self._refuse_hopeless(producer, rows)
                futures = []
                for index, (topic, key, value, headers) in enumerate(rows):
                    try:
                        futures.append(await producer.send(topic, value, key=key, headers=headers))
                    except HOPELESS as error:
                        raise Unsendable(index, repr(error)) from error
                _raise_first(rows, await asyncio.gather(*futures, return_exceptions=True))
        except Unsendable as refusal:
            if refusal.__cause__ is not None:  # the producer has seen it: it may be out of step
                await self.close()
            raise
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the producer within two seconds, whatever it still waits for."""
        producer, self._producer = self._producer, None
        self._known.clear()
        if producer is not None:
            with contextlib.suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._connection,
                acks="all",
                enable_idempotence=True,
                linger_ms=5,
                max_request_size=LARGEST,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def _refuse_hopeless(
        self, producer: AIOKafkaProducer, rows: Sequence[OutboxRecord]
    ) -> None:
        for index, (topic, key, value, headers) in enumerate(rows):
            if key is None and value is None:
                raise Unsendable(index, "a record needs a key or a value")
            if any(part is not None and type(part) is not bytes for part in (key, value)):
                raise Unsendable(index, "keys and values are bytes")
            size = len(key or b"") + len(value or b"") + sum(len(n) + len(v) for n, v in headers)
            if size > LARGEST - FRAME:
                raise Unsendable(index, f"{size} bytes are more than {LARGEST - FRAME}")
            if topic not in self._known:
                try:
                    await producer.partitions_for(topic)
                except HOPELESS as error:
                    raise Unsendable(index, f"topic {topic}: {error!r}") from error
                self._known.add(topic)


def _raise_first(rows: Sequence[OutboxRecord], results: Sequence[Any]) -> None:
    for index, (row, result) in enumerate(zip(rows, results, strict=True)):
        # A compacted topic refuses the whole request for one row without a key, by an error that
        # aiokafka has no name for.
        if isinstance(result, UnknownError) and row.key is None:
            raise Unsendable(index, f"refused, perhaps for want of a key: {result!r}") from result
    for index, result in enumerate(results):
        if isinstance(result, HOPELESS):
            raise Unsendable(index, repr(result)) from result
        if isinstance(result, BaseException):
            raise result
