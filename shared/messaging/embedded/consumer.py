"""A consumer of the embedded log with the methods of aiokafka's that FastStream calls."""

import asyncio
import re
import time
from collections import deque
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, TypeAlias

from aiokafka import ConsumerRebalanceListener
from aiokafka.errors import ConsumerStoppedError, NoOffsetForPartitionError
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition

from shared.messaging.embedded.log import EmbeddedLog

AHEAD = 200  # records read from the file in one go for a consumer that takes them one by one
AT_ONCE = 500  # records handed out where the caller names no limit

Record: TypeAlias = ConsumerRecord[bytes, bytes]


class EmbeddedConsumer:
    """One member of a group (or of none) on the embedded log; partition 0 of each topic is its."""

    def __init__(
        self,
        *topics: str,
        log: EmbeddedLog,
        group_id: str | None = None,
        auto_offset_reset: str = "latest",
        enable_auto_commit: bool = True,
        auto_commit_interval_ms: int = 5000,
        **network: Any,
    ) -> None:
        """Take aiokafka's options; those that concern the network mean nothing here."""
        self._log = log
        self._group_id = group_id
        self._reset = auto_offset_reset
        self._commits_itself = enable_auto_commit and group_id is not None
        self._commit_interval = auto_commit_interval_ms / 1000
        self._commit_due = 0.0
        self._topics: set[str] = set(topics)
        self._pattern: re.Pattern[str] | None = None
        self._assigned_by_hand = False
        self._listener: ConsumerRebalanceListener | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._ahead: dict[TopicPartition, deque[Record]] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._order: deque[TopicPartition] = deque()
        self._grown = asyncio.Event()
        self._waiting = False
        self._polled_ms = int(time.time() * 1000)
        self._closed = False
        # FastStream's logging listener reads these two of aiokafka's private names.
        self._coordinator = SimpleNamespace(member_id=f"embedded-{id(self):x}")
        self._subscription = SimpleNamespace(topics=self._topics)

    def subscribe(
        self,
        topics: Any = (),
        pattern: str | None = None,
        listener: ConsumerRebalanceListener | None = None,
    ) -> None:
        """Choose topics by name, or by a pattern over those declared when the consumer starts."""
        self._topics.update(topics)
        self._pattern = re.compile(pattern) if pattern else None
        self._listener = listener

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Choose partitions by hand, without becoming a member of the group."""
        self._assigned_by_hand = True
        self._topics.update(partition.topic for partition in partitions)

    async def start(self) -> None:
        """Join the group and find where to begin.

        Raise `UnknownTopicOrPartitionError` for an undeclared topic, `GroupTaken` for a second
        member.
        """
        if self._pattern is not None:
            self._topics.update(name for name in self._log.names() if self._pattern.match(name))
        for name in self._topics:
            self._log.topic(name)
        if self._group_id is not None and not self._assigned_by_hand:
            self._log.join(self._group_id, self._topics, self)
        for name in sorted(self._topics):
            partition = TopicPartition(name, 0)
            self._positions[partition] = self._beginning(name)
            self._ahead[partition] = deque()
            self._order.append(partition)
            self._log.topic(name).listeners.add(self)
        if self._listener is not None and not self._assigned_by_hand:
            await _called(self._listener.on_partitions_assigned, self.assignment())

    def _beginning(self, name: str) -> int:
        if self._group_id is not None:
            committed = self._log.committed(self._group_id, name)
            if committed is not None:
                self._committed[TopicPartition(name, 0)] = committed
                return committed
        topic = self._log.topic(name)
        if self._reset == "earliest":
            return topic.begin
        if self._reset == "latest":
            return topic.end
        msg = f"group {self._group_id} has no offset for {name}"
        raise NoOffsetForPartitionError(msg)

    async def stop(self) -> None:
        """Leave the group; a consumer that commits by itself does so first."""
        if self._closed:
            return
        try:
            if self._commits_itself and self._positions:
                await self.commit()
        finally:
            self._closed = True
            self._grown.set()
            self._log.leave(self)
            for partition in self._positions:
                self._log.topic(partition.topic).listeners.discard(self)

    def wake(self) -> None:
        """Look again: a topic grew."""
        self._grown.set()

    async def getone(self, *partitions: TopicPartition) -> Record:
        """Return the next record, waiting for one as long as it takes."""
        # A handler that fails at once is handed the same record again: let the loop breathe.
        await asyncio.sleep(0)
        while True:
            await self._poll()
            for partition in self._in_turn(partitions):
                if taken := self._take(partition, 1, AHEAD):
                    return taken[0]
            await self._wait(None)

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: float = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Record]]:
        """Return up to `max_records` records by partition as soon as there are any.

        Nothing after `timeout_ms` is an answer only to a caller that wants one record: FastStream
        sleeps after an empty batch, so a batch waits until there is one.
        """
        await asyncio.sleep(0)
        deadline = (
            asyncio.get_running_loop().time() + timeout_ms / 1000 if max_records == 1 else None
        )
        room = max_records or AT_ONCE
        while True:
            await self._poll()
            found: dict[TopicPartition, list[Record]] = {}
            for partition in self._in_turn(partitions):
                if taken := self._take(partition, room, room):
                    found[partition] = taken
                    room -= len(taken)
                    if room == 0:
                        break
            if found or not await self._wait(deadline):
                return found

    def __aiter__(self) -> "EmbeddedConsumer":
        return self

    async def __anext__(self) -> Record:
        return await self.getone()

    def _in_turn(self, partitions: tuple[TopicPartition, ...]) -> tuple[TopicPartition, ...]:
        self._order.rotate(-1)
        chosen = tuple(self._order)
        return tuple(one for one in chosen if one in partitions) if partitions else chosen

    def _take(self, partition: TopicPartition, wanted: int, ahead: int) -> list[Record]:
        topic = self._log.topic(partition.topic)
        position = self._positions[partition]
        if position >= topic.end:
            return []
        waiting = self._ahead[partition]
        if not waiting:
            waiting.extend(self._log.read(topic, position, ahead))
            if not waiting:  # all that was left has been cleaned away
                self._positions[partition] = topic.end
                return []
        taken = [waiting.popleft() for _ in range(min(wanted, len(waiting)))]
        self._positions[partition] = taken[-1].offset + 1
        return taken

    async def _poll(self) -> None:
        if self._closed:
            raise ConsumerStoppedError
        self._grown.clear()
        self._polled_ms = int(time.time() * 1000)
        if self._commits_itself and (now := time.monotonic()) >= self._commit_due:
            self._commit_due = now + self._commit_interval
            await self.commit()

    async def _wait(self, deadline: float | None) -> bool:
        self._waiting = True
        try:
            async with asyncio.timeout_at(deadline):
                await self._grown.wait()
        except TimeoutError:
            return False
        finally:
            self._waiting = False
            self._polled_ms = int(time.time() * 1000)
        return True

    async def commit(self, offsets: Mapping[TopicPartition, Any] | None = None) -> None:
        """Remember what was handed out so far (or the given offsets) as done by the group."""
        if offsets is None:
            moved = {
                partition: position
                for partition, position in self._positions.items()
                if self._committed.get(partition) != position
            }
        else:
            moved = {
                partition: one.offset if isinstance(one, OffsetAndMetadata) else one
                for partition, one in offsets.items()
            }
        if moved and self._group_id is not None:
            self._log.commit(
                self._group_id, {partition.topic: offset for partition, offset in moved.items()}
            )
            self._committed.update(moved)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on from an offset of a partition."""
        self._positions[partition] = offset
        self._ahead[partition].clear()
        self._grown.set()

    async def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        """Go on from the oldest record of these partitions (of all, if none is named)."""
        for partition in partitions or tuple(self._positions):
            self.seek(partition, self._log.topic(partition.topic).begin)

    async def seek_to_end(self, *partitions: TopicPartition) -> None:
        """Go on behind the newest record of these partitions (of all, if none is named)."""
        for partition in partitions or tuple(self._positions):
            self.seek(partition, self._log.topic(partition.topic).end)

    def assignment(self) -> set[TopicPartition]:
        """Return the partitions this consumer reads."""
        return set(self._positions)

    def last_poll_timestamp(self, partition: TopicPartition) -> int:
        """Return when this consumer last looked, in milliseconds since 1970; waiting is looking."""
        return int(time.time() * 1000) if self._waiting else self._polled_ms

    async def position(self, partition: TopicPartition) -> int:
        """Return the offset that is handed out next."""
        return self._positions[partition]

    async def committed(self, partition: TopicPartition) -> int | None:
        """Return the offset the group reads next, or none."""
        if self._group_id is None:
            return None
        return self._log.committed(self._group_id, partition.topic)

    async def end_offsets(self, partitions: Any) -> dict[TopicPartition, int]:
        """Return the offset of the next record to come, by partition."""
        return {one: self._log.topic(one.topic).end for one in partitions}

    async def beginning_offsets(self, partitions: Any) -> dict[TopicPartition, int]:
        """Return the offset of the oldest record, by partition."""
        return {one: self._log.topic(one.topic).begin for one in partitions}


async def _called(function: Any, partitions: set[TopicPartition]) -> None:
    result = function(partitions)
    if asyncio.iscoroutine(result):
        await result
