"""What the topic of organisations tells of, on a real Kafka."""

from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from shared.contracts.directory import OrganisationRegistered
from shared.contracts.envelope import Envelope


async def ends(servers: str) -> dict[Any, int]:
    """Return where the topic of organisations ends now."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        return await consumer.end_offsets(await _parts(consumer))  # type: ignore[no-any-return]  # aiokafka carries no types
    finally:
        await consumer.stop()


async def told_since(servers: str, begins: dict[Any, int]) -> list[tuple[str, str]]:
    """Return the organisations told of since, each with the id of its message."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        parts = await _parts(consumer)
        consumer.assign(parts)
        until = await consumer.end_offsets(parts)
        for part in parts:
            consumer.seek(part, begins[part])
        told = []
        while any([await consumer.position(part) < until[part] for part in parts]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                envelopes = [Envelope.from_headers(each.headers) for each in records]
                told += [
                    (record.key.decode(), envelope.id)
                    for record, envelope in zip(records, envelopes, strict=True)
                    if envelope.type == OrganisationRegistered.type
                ]
        return told
    finally:
        await consumer.stop()


async def _parts(consumer: Any) -> list[Any]:
    await consumer._client.force_metadata_update()
    numbers = consumer.partitions_for_topic(OrganisationRegistered.topic)
    return [TopicPartition(OrganisationRegistered.topic, number) for number in sorted(numbers)]
