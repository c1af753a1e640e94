"""Apache Kafka behind the bus: the patient consumer, the relay's appender, topics and lag."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    CommitFailedError,
    KafkaError,
    UnknownError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.structs import ConsumerRecord, TopicPartition

from shared.messaging.appender import HOPELESS, OutboxRecord, Unsendable
from shared.messaging.declaration import (
    Change,
    GroupInUse,
    TopicDiffers,
    TopicLike,
    configuration,
    merged,
    sorted_by_name,
)

LARGEST = 1 << 20  # bytes of a request, aiokafka's and the broker's default
FRAME = 512  # bytes to leave for the frame of a record and its batch
CLOSE_SECONDS = 2.0
POLL_MS = 1000
ALREADY_EXISTS = 36
SET_ON_TOPIC = 1  # the source of a configuration entry that somebody set on the topic itself


class PatientConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka carries no types
    """aiokafka's consumer, but a batch waits until there is one.

    FastStream sleeps a whole time-out after each empty batch, which would make a message wait.
    """

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: float = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        """Return records as soon as there are any; give up only for a caller that wants one."""
        while True:
            found: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]
            if max_records == 1:
                return await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=1)  # type: ignore[no-any-return]  # aiokafka carries no types
            found = await super().getmany(*partitions, timeout_ms=POLL_MS, max_records=max_records)
            if found:
                return found


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


class KafkaTopics:
    """Declares topics on a server and measures how far groups are behind."""

    def __init__(
        self, connection: Mapping[str, Any], *, replicas: int, topic_settings: Mapping[str, str]
    ) -> None:
        self._connection = connection
        self._replicas = replicas
        self._settings = topic_settings
        self._admin: AIOKafkaAdminClient | None = None
        self._reader: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connect; raise `KafkaConnectionError` when nobody answers."""
        self._admin = AIOKafkaAdminClient(**self._connection)
        self._reader = AIOKafkaConsumer(**self._connection, enable_auto_commit=False)
        try:
            await self._admin.start()
            await self._reader.start()
            # Stopped before its own task ran once, this consumer would cancel whoever stops it.
            await asyncio.sleep(0)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Let go within two seconds."""
        admin, reader, self._admin, self._reader = self._admin, self._reader, None, None
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(CLOSE_SECONDS):
                if reader is not None:
                    await reader.stop()
                if admin is not None:
                    await admin.close()

    async def declare(self, topics: Iterable[TopicLike]) -> list[Change]:
        """Make what is missing, alter what is kept differently; return the changes.

        Raise `TopicDiffers` where the number of partitions differs: changing it would break the
        order of keys.
        """
        wanted = sorted_by_name(topics)
        partitions = await self._partitions()
        missing = [topic for topic in wanted if topic.name not in partitions]
        present = [topic for topic in wanted if topic.name in partitions]
        for topic in present:
            if partitions[topic.name] != topic.partitions:
                msg = (
                    f"topic {topic.name} has {partitions[topic.name]} partitions, "
                    f"{topic.partitions} are declared"
                )
                raise TopicDiffers(msg)
        changes = [Change(topic.name, "made") for topic in missing]
        if missing:
            await self._create(missing)
        if present:
            changes += [Change(name, "altered") for name in await self._alter(present)]
        return changes

    async def lag(self, group: str, topics: Iterable[str]) -> dict[str, int]:
        """Return, per topic, how many records a group has not acknowledged."""
        assert self._admin is not None
        assert self._reader is not None
        known = await self._partitions()
        parts = [
            TopicPartition(name, number)
            for name in topics
            for number in range(_partitions_of(known, name))
        ]
        ends, begins, committed = await asyncio.gather(
            self._reader.end_offsets(parts),
            self._reader.beginning_offsets(parts),
            self._admin.list_consumer_group_offsets(group, partitions=parts),
        )
        lags: dict[str, int] = {}
        for part in parts:
            offset = committed[part].offset if part in committed else -1
            behind = ends[part] - max(offset, begins[part])
            lags[part.topic] = lags.get(part.topic, 0) + behind
        return lags

    async def rewind(self, group: str, topics: Iterable[str]) -> None:
        """Commit the beginning of every partition, as a consumer of that group would.

        Raises GroupInUse where the group has members.
        """
        known = await self._partitions()
        parts = [
            TopicPartition(name, number)
            for name in topics
            for number in range(_partitions_of(known, name))
        ]
        consumer = AIOKafkaConsumer(**self._connection, group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign(parts)
            await consumer.commit(await consumer.beginning_offsets(parts))
        except CommitFailedError as error:
            raise GroupInUse(f"another process consumes as {group}") from error
        finally:
            await consumer.stop()

    async def _partitions(self) -> dict[str, int]:
        assert self._admin is not None
        described = await self._admin.describe_topics()
        return {topic["topic"]: len(topic["partitions"]) for topic in described}

    async def _create(self, topics: list[TopicLike]) -> None:
        assert self._admin is not None
        response = await self._admin.create_topics(
            [
                NewTopic(
                    topic.name,
                    topic.partitions,
                    self._replicas,
                    topic_configs={**self._settings, **configuration(topic)},
                )
                for topic in topics
            ]
        )
        for error in response.to_object()["topic_errors"]:
            if error["error_code"] not in (0, ALREADY_EXISTS):
                msg = f"topic {error['topic']}: {error.get('error_message')}"
                raise for_code(error["error_code"])(msg)
        names = {topic.name for topic in topics}
        async with asyncio.timeout(10):
            while not names <= (await self._partitions()).keys():  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.05)

    async def _alter(self, topics: list[TopicLike]) -> list[str]:
        assert self._admin is not None
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
        present: dict[str, dict[str, str]] = {}
        for response in await self._admin.describe_configs(resources):
            for code, message, _, name, entries in response.resources:
                if code:
                    raise for_code(code)(f"topic {name}: {message}")
                present[name] = {
                    entry[0]: entry[1] for entry in entries if entry[3] == SET_ON_TOPIC
                }
        changed = {
            topic.name: settings
            for topic in topics
            if (settings := merged(present[topic.name], {**self._settings, **configuration(topic)}))
        }
        if changed:
            for response in await self._admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, *one) for one in changed.items()]
            ):
                for code, message, _, name in response.resources:
                    if code:
                        raise for_code(code)(f"topic {name}: {message}")
        return list(changed)


def _partitions_of(known: Mapping[str, int], name: str) -> int:
    if name not in known:
        msg = f"topic {name} is not declared"
        raise UnknownTopicOrPartitionError(msg)
    return known[name]
