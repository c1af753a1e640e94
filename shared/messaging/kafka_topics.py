"""The topics of a Kafka server: declared, waited for, compared, and how far groups are behind."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    CommitFailedError,
    KafkaConnectionError,
    KafkaError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.structs import TopicPartition

from shared.messaging.credentials import check_login
from shared.messaging.declaration import (
    Change,
    Described,
    Difference,
    GroupInUse,
    TopicLike,
    configuration,
    differences,
    refuse_losses,
    sorted_by_name,
)
from shared.messaging.kafka import CLOSE_SECONDS

ALREADY_EXISTS = 36
SET_ON_TOPIC = 1  # the source of a configuration entry that somebody set on the topic itself
EFFECT_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.25
KNOWN_SECONDS = 10.0

logger = logging.getLogger("andan.bus")


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
        self._known: dict[str, int] = {}
        self._known_until = 0.0
        self._coordinators: dict[str, int] = {}

    async def start(self) -> None:
        """Connect; raise `KafkaConnectionError` when nobody answers; see `check_login`."""
        self._admin = AIOKafkaAdminClient(**self._connection)
        self._reader = AIOKafkaConsumer(**self._connection, enable_auto_commit=False)
        try:
            await self._admin.start()
            await self._reader.start()
            # Stopped before its own task ran once, this consumer would cancel whoever stops it.
            await asyncio.sleep(0)
        except KafkaConnectionError:
            await self.stop()
            await check_login(self._connection)
            raise
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

    async def compare(self, topics: Iterable[TopicLike]) -> list[Difference]:
        """Return everything in which the server's topics are not as declared; change nothing."""
        wanted = sorted_by_name(topics)
        present = await self._describe([topic.name for topic in wanted])
        return [
            difference
            for topic in wanted
            for difference in differences(
                topic,
                present.get(topic.name),
                replicas=self._replicas,
                settings=self._settings,
            )
        ]

    async def declare(
        self, topics: Iterable[TopicLike], *, accept_loss: bool = False
    ) -> list[Change]:
        """Make what is missing, alter what is kept differently; return the changes.

        Raise `TopicDiffers`, with nothing changed, where that would lose what a topic holds. What
        is lost by a shorter retention or another policy can be accepted; another number of
        partitions never is, for it would break the order of keys. Returns once it is seen.
        """
        wanted = sorted_by_name(topics)
        found = await self.compare(wanted)
        refuse_losses(found, accept_loss=accept_loss)
        missing = {each.topic for each in found if each.present is None}
        differing = {each.topic for each in found} - missing
        if missing:
            await self._create([topic for topic in wanted if topic.name in missing])
        if differing:
            await self._alter([topic for topic in wanted if topic.name in differing])
        if found:
            async with asyncio.timeout(EFFECT_SECONDS):
                while await self.compare(wanted):  # noqa: ASYNC110 -- nobody tells
                    await asyncio.sleep(0.05)
        return [Change(name, "made") for name in sorted(missing)] + [
            Change(name, "altered") for name in sorted(differing)
        ]

    async def wait_for(self, names: Iterable[str]) -> None:
        """Return once these topics are there for this principal to see; say once what is not."""
        wanted = set(names)
        told = False
        while missing := sorted(wanted - (await self._partitions()).keys()):
            if not told:
                logger.warning(
                    "waiting for `python -m services topics` to make %d of %d topics: %s",
                    len(missing),
                    len(wanted),
                    ", ".join(missing),
                )
                told = True
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def lag(self, group: str, topics: Iterable[str]) -> dict[str, int]:
        """Return, per topic, how many records a group has not acknowledged."""
        assert self._reader is not None
        parts = await self._parts(topics)
        ends, committed = await asyncio.gather(
            self._reader.end_offsets(parts), self._committed(group, parts)
        )
        behind = [part for part in parts if ends[part] > max(committed.get(part, -1), 0)]
        # What the topic holds no longer is not behind.
        begins = await self._reader.beginning_offsets(behind) if behind else {}
        lags = dict.fromkeys((part.topic for part in parts), 0)
        for part in behind:
            lags[part.topic] += ends[part] - max(committed.get(part, -1), begins[part])
        return lags

    async def _parts(self, topics: Iterable[str]) -> list[TopicPartition]:
        """Return the partitions of topics; how many there are is asked for now and then."""
        loop = asyncio.get_running_loop()
        wanted = list(topics)
        if loop.time() > self._known_until or not self._known.keys() >= set(wanted):
            self._known = await self._partitions()
            self._known_until = loop.time() + KNOWN_SECONDS
        return [
            TopicPartition(name, number)
            for name in wanted
            for number in range(_partitions_of(self._known, name))
        ]

    async def _committed(self, group: str, parts: list[TopicPartition]) -> dict[Any, int]:
        assert self._admin is not None
        try:
            if group not in self._coordinators:
                self._coordinators[group] = await self._admin.find_coordinator(group)
            found = await self._admin.list_consumer_group_offsets(
                group, group_coordinator_id=self._coordinators[group], partitions=parts
            )
        except BaseException:
            self._coordinators.pop(group, None)  # another broker may have it by now
            raise
        return {part: each.offset for part, each in found.items()}

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

    async def _describe(self, names: list[str]) -> dict[str, Described]:
        """Return those of the topics that the server has, with all their settings.

        One that was made just now is left out where the node that answers has not heard of it.
        """
        assert self._admin is not None
        wanted = set(names)
        shape = {
            topic["topic"]: (
                len(topic["partitions"]),
                min((len(each["replicas"]) for each in topic["partitions"]), default=0),
            )
            for topic in await self._admin.describe_topics()
            if topic["topic"] in wanted
        }
        if not shape:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in shape]
        found: dict[str, Described] = {}
        for response in await self._admin.describe_configs(resources):
            for code, message, _, name, entries in response.resources:
                if code == UnknownTopicOrPartitionError.errno:
                    continue
                if code:
                    raise for_code(code)(f"topic {name}: {message}")
                settings = {entry[0]: entry[1] for entry in entries}
                own = {entry[0]: entry[1] for entry in entries if entry[3] == SET_ON_TOPIC}
                found[name] = Described(*shape[name], settings, own)
        return found

    async def _alter(self, topics: list[TopicLike]) -> None:
        """Set what is declared and, for Kafka replaces the whole set, what somebody else set."""
        assert self._admin is not None
        present = await self._describe([topic.name for topic in topics])
        changed = {
            topic.name: {
                **present[topic.name].set_here,
                **self._settings,
                **configuration(topic),
            }
            for topic in topics
        }
        for response in await self._admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, *one) for one in changed.items()]
        ):
            for code, message, _, name in response.resources:
                if code:
                    raise for_code(code)(f"topic {name}: {message}")


def _partitions_of(known: Mapping[str, int], name: str) -> int:
    if name not in known:
        msg = f"topic {name} is not declared"
        raise UnknownTopicOrPartitionError(msg)
    return known[name]
