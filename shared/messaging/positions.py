"""What groups have acknowledged on Kafka, read before a backup and set back after a restore."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Self, TypeAlias

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, KafkaConnectionError
from aiokafka.structs import ConsumerRecord, TopicPartition

from shared.messaging.credentials import check_login
from shared.messaging.declaration import GroupInUse

Positions: TypeAlias = dict[str, dict[str, list[int | None]]]
"""By group and topic: the offset that is read next, per partition; None where none was."""
_READ_MS = 1000


class KafkaPositions:
    """The positions of all groups of an installation, while no service of it is needed.

    Entering it raises ConnectionError when Kafka does not answer, or `LoginRefused`.
    """

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self._connection = dict(connection)
        self._admin = AIOKafkaAdminClient(**self._connection)

    async def __aenter__(self) -> Self:
        try:
            await self._admin.start()
        except KafkaConnectionError as error:
            await self._admin.close()
            await check_login(self._connection)
            raise ConnectionError(f"Kafka does not answer ({error})") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def committed(self, groups: Mapping[str, Collection[str]]) -> Positions:
        """Return the positions of these groups on the topics that each reads."""
        found: Positions = {}
        for group, topics in groups.items():
            parts = await self._parts(topics)
            known = await self._admin.list_consumer_group_offsets(group, partitions=parts)
            found[group] = {}
            for part in parts:
                offset = known[part].offset if part in known else -1
                places = found[group].setdefault(part.topic, [])
                places.append(None if offset < 0 else offset)
        return found

    async def set_back(self, positions: Positions) -> None:
        """Have each group go on from where it was, or from the beginning where it was nowhere.

        What the topic holds no longer is passed over. Raises GroupInUse where a group has
        members.
        """
        for group, topics in positions.items():
            consumer = AIOKafkaConsumer(
                **self._connection, group_id=group, enable_auto_commit=False
            )
            await consumer.start()
            try:
                parts = await self._parts(topics)
                consumer.assign(parts)
                begins = await consumer.beginning_offsets(parts)
                wanted = {}
                for part in parts:
                    known = topics[part.topic]
                    place = known[part.partition] if part.partition < len(known) else None
                    wanted[part] = max(begins[part], place or 0)
                await consumer.commit(wanted)
            except CommitFailedError as error:
                raise GroupInUse(f"a process still consumes as {group}") from error
            finally:
                await consumer.stop()

    async def records_since(self, topic: str, at: datetime) -> list[ConsumerRecord[bytes, bytes]]:
        """Return what was written to a topic since then, in order per key."""
        consumer = AIOKafkaConsumer(**self._connection, enable_auto_commit=False)
        await consumer.start()
        try:
            parts = await self._parts([topic])
            consumer.assign(parts)
            ends = await consumer.end_offsets(parts)
            since = dict.fromkeys(parts, int(at.timestamp() * 1000))
            left = {}
            for part, found in (await consumer.offsets_for_times(since)).items():
                if found is not None and found.offset < ends[part]:
                    left[part] = ends[part]
                    consumer.seek(part, found.offset)
            consumer.pause(*(part for part in parts if part not in left))
            records: list[ConsumerRecord[bytes, bytes]] = []
            while left:
                for some in (await consumer.getmany(timeout_ms=_READ_MS)).values():
                    records += some
                for part in [part for part in left if await consumer.position(part) >= left[part]]:
                    del left[part]
            return records
        finally:
            await consumer.stop()

    async def _parts(self, topics: Collection[str]) -> list[TopicPartition]:
        described = await self._admin.describe_topics(sorted(topics))
        return [
            TopicPartition(each["topic"], number)
            for each in described
            for number in range(len(each["partitions"]))
        ]
