"""What each test of the suite works with: a started bus, and topics and groups of its own."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from faststream.middlewares import AckPolicy

from shared.messaging.appender import OutboxRecord
from shared.messaging.broker import Bus, BusBroker
from shared.messaging.parsing import decode_raw, parse_raw


@dataclass(frozen=True)
class Declared:
    """A topic as a contract would declare it."""

    name: str
    partitions: int = 1
    retention: timedelta | None = None
    compacted: bool = False


@dataclass
class Scene:
    """A bus with names that no other test uses."""

    bus: Bus
    kind: str
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    _count: int = 0

    async def topic(self, **settings: Any) -> str:
        """Declare a topic and return its name."""
        self._count += 1
        name = f"suite.{self.mark}.{self._count}"
        await self.bus.declare([Declared(name, **settings)])
        return name

    def group(self, purpose: str = "reads") -> str:
        """Return the name of a group."""
        return f"suite.{self.mark}.{purpose}"

    async def append(self, topic: str, *values: bytes | None, key: bytes | None = b"k") -> None:
        """Append values, in order, under one key."""
        await self.append_rows([OutboxRecord(topic, key, value, []) for value in values])

    async def append_rows(self, rows: Sequence[OutboxRecord]) -> None:
        """Append rows as a relay would."""
        appender = await self.bus.appender("suite")
        try:
            await appender.append(rows)
        finally:
            await appender.close()

    def reader(
        self,
        *topics: str,
        group: str | None = None,
        reset: Any = "earliest",
        fails: Callable[[Sequence[Any]], bool] = lambda _: False,
    ) -> tuple[BusBroker, list[Any], list[Sequence[Any]]]:
        """Return a broker with one raw batch subscriber, what it took, and all it was handed."""
        broker = self.bus.broker("suite")
        taken: list[Any] = []
        handed: list[Sequence[Any]] = []

        @broker.subscriber(
            *topics,
            group_id=group or self.group(),
            batch=True,
            max_records=500,
            auto_offset_reset=reset,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            parser=parse_raw,
            decoder=decode_raw,
        )
        async def take(records: Sequence[Any]) -> None:
            handed.append(records)
            if fails(records):
                raise RuntimeError("the batch cannot be taken now")
            taken.extend(records)

        return broker, taken, handed

    async def lag(self, *topics: str, group: str | None = None) -> int:
        """Return how far a group is behind on these topics."""
        return sum((await self.bus.lag(group or self.group(), topics)).values())


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something holds; fail if it does not within these seconds."""
    async with asyncio.timeout(seconds):
        while not condition():  # a test watches from outside, nobody tells it
            await asyncio.sleep(0.005)


async def acknowledged(scene: Scene, *topics: str, group: str | None = None) -> None:
    """Wait until a group has no lag on these topics."""
    async with asyncio.timeout(10):
        while await scene.lag(*topics, group=group):  # nobody tells a test
            await asyncio.sleep(0.01)
