"""What really stands in the topics, read by a plain consumer that no service knows of."""

from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from tests.failures.distributed.stores import Said, said

OURS = "andan."
PARKED = ".dlq"
READ_MS = 500


@dataclass(frozen=True)
class Record:
    """A message in its place."""

    said: Said
    partition: int
    offset: int


async def read_topics(bootstrap_servers: str) -> tuple[list[Record], int]:
    """Return every message of the house's topics, in order per partition, and how many are parked.

    Reads up to where the topics end when it begins.
    """
    parts = await _partitions(bootstrap_servers)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # a look for the end that is under way may answer last
    )
    await consumer.start()
    try:
        consumer.assign(parts)
        begins, ends = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
        left = {part for part in parts if begins[part] < ends[part]}
        await consumer.seek_to_beginning(*parts)
        found, parked = [], 0
        while left:
            for part, records in (await consumer.getmany(timeout_ms=READ_MS)).items():
                for each in records:
                    if part.topic.endswith(PARKED):
                        parked += 1
                        continue
                    headers = {name: value.decode() for name, value in each.headers}
                    message = said(part.topic, each.key, headers)
                    found.append(Record(message, part.partition, each.offset))
            left = {part for part in left if await consumer.position(part) < ends[part]}
        return found, parked
    finally:
        await consumer.stop()


async def _partitions(bootstrap_servers: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        return [
            TopicPartition(topic["topic"], number)
            for topic in await admin.describe_topics()
            if topic["topic"].startswith(OURS)
            for number in range(len(topic["partitions"]))
        ]
    finally:
        await admin.close()
