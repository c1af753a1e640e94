"""A lived period as its topics tell it, and the ways in which a bus may tell it otherwise."""

import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.contracts.topics import TOPICS
from shared.messaging.appender import OutboxRecord
from shared.messaging.embedded.log import EmbeddedLog
from tests.reporting.lived import lived_week

Records = Sequence[OutboxRecord]


@dataclass(frozen=True)
class Period:
    """What was told, in the order in which it was told, and the keys it was sealed with."""

    records: Records
    keys: Path

    def heard_by(self, topics: Iterable[str]) -> list[OutboxRecord]:
        """Return what a reader of these topics is told."""
        wanted = set(topics)
        return [each for each in self.records if each.topic in wanted]


async def lived_period(folder: Path) -> Period:
    """Let the real house live a week and two events, with all that is around them."""
    async with lived_week(folder):
        pass
    log = EmbeddedLog(folder / "log.sqlite")
    log.open()
    try:
        told = []
        for name in sorted(TOPICS.keys() & set(log.names())):
            topic = log.topic(name)
            offset = topic.begin
            while offset < topic.end:
                batch = log.read(topic, offset, 500)
                told += batch
                offset = batch[-1].offset + 1
    finally:
        log.close()
    told.sort(key=lambda each: (each.timestamp, each.topic, each.offset))
    records = [OutboxRecord(e.topic, e.key, e.value, list(e.headers)) for e in told]
    return Period(records, folder / "keys")


def as_told(records: Records, chosen: random.Random) -> list[OutboxRecord]:
    """Tell everything once, as it was."""
    return list(records)


def twice(records: Records, chosen: random.Random) -> list[OutboxRecord]:
    """Repeat each message at once."""
    return [each for each in records for _ in range(2)]


def again_later(records: Records, chosen: random.Random) -> list[OutboxRecord]:
    """Repeat some from their place on, as after a lost acknowledgement: order per key is kept."""
    told: list[OutboxRecord] = []
    for each in records:
        told.append(each)
        if chosen.random() < 0.02:
            told += told[-chosen.randint(1, 200) :]
    return told


def mixed(records: Records, chosen: random.Random) -> list[OutboxRecord]:
    """Mix the keys and the topics; what bears one key on one topic keeps its order."""
    lines: dict[tuple[str, bytes | None], deque[OutboxRecord]] = defaultdict(deque)
    for each in records:
        lines[each.topic, each.key].append(each)
    order = [line for line, waits in lines.items() for _ in waits]
    chosen.shuffle(order)
    return [lines[line].popleft() for line in order]


def topic_by_topic(records: Records, chosen: random.Random) -> list[OutboxRecord]:
    """Tell whole topics one after the other, in any order."""
    names = sorted({each.topic for each in records})
    chosen.shuffle(names)
    return [each for name in names for each in records if each.topic == name]


def all_of_it(records: Records, chosen: random.Random) -> list[OutboxRecord]:
    """Mix, and repeat from places on."""
    return again_later(mixed(records, chosen), chosen)


WAYS: Final[Sequence[Callable[[Records, random.Random], list[OutboxRecord]]]] = (
    twice,
    again_later,
    mixed,
    topic_by_topic,
    all_of_it,
)
