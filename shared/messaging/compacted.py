"""What a compacted topic tells at the moment: the keys whose last record is no tombstone."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.structs import ConsumerRecord, TopicPartition

from shared.messaging.embedded.log import EmbeddedLog

Record: TypeAlias = ConsumerRecord[bytes, bytes]
READ_SECONDS = 60.0
_POLL_MS = 500
_AT_ONCE = 500


async def kafka_keys(connection: Mapping[str, Any], topic: str) -> frozenset[bytes] | None:
    """Read the topic to its present end; see Bus.keys. Raise TimeoutError after a minute."""
    consumer = AIOKafkaConsumer(
        **connection,
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # the default looks for the end, and may answer last
    )
    async with asyncio.timeout(READ_SECONDS):
        await consumer.start()
        try:
            await consumer._client.force_metadata_update()
            numbers = consumer.partitions_for_topic(topic)
            if not numbers:
                msg = f"topic {topic} is not declared, or hidden from this principal"
                raise UnknownTopicOrPartitionError(msg)
            parts = [TopicPartition(topic, number) for number in sorted(numbers)]
            consumer.assign(parts)
            ends = await consumer.end_offsets(parts)
            if not any(ends.values()):
                return None
            for part, offset in (await consumer.beginning_offsets(parts)).items():
                consumer.seek(part, offset)
            left = set(parts)
            told: dict[bytes, bool] = {}
            while left:
                for part in [each for each in left if await consumer.position(each) >= ends[each]]:
                    left.discard(part)
                if left:
                    for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                        _note(told, records)
            return _standing(told)
        finally:
            await consumer.stop()


def embedded_keys(log: EmbeddedLog, topic: str) -> frozenset[bytes] | None:
    """Read the topic to its end; see Bus.keys."""
    place = log.topic(topic)
    if not place.end:
        return None
    told: dict[bytes, bool] = {}
    offset = place.begin
    while offset < place.end and (records := log.read(place, offset, _AT_ONCE)):
        _note(told, records)
        offset = records[-1].offset + 1
    return _standing(told)


def _note(told: dict[bytes, bool], records: Iterable[Record]) -> None:
    for record in records:
        if record.key is not None:
            told[record.key] = record.value is not None


def _standing(told: Mapping[bytes, bool]) -> frozenset[bytes]:
    return frozenset(key for key, stands in told.items() if stands)
