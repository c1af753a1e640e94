"""The one declaration of all topics, made or compared before anything starts, on either bus."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple, Protocol

DELETE_RETENTION = timedelta(days=7)  # how long a tombstone stays readable
COMPACTION_LAG = timedelta(days=1)  # how long a superseded value may stay, once written after


class TopicLike(Protocol):
    """A topic as `shared.contracts.topics` declares it; retention none = for ever."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def retention(self) -> timedelta | None: ...
    @property
    def compacted(self) -> bool: ...


class Change(NamedTuple):
    """What a declaration did to a topic: `made` or `altered`."""

    topic: str
    did: str


class TopicDiffers(RuntimeError):
    """A topic exists with another number of partitions than declared."""


class GroupInUse(RuntimeError):
    """A group cannot be rewound: a member of it is alive, or died less than a session ago."""


def milliseconds(duration: timedelta | None) -> int | None:
    """Return whole milliseconds; none stays none."""
    return None if duration is None else duration // timedelta(milliseconds=1)


def configuration(topic: TopicLike) -> dict[str, str]:
    """Return the Kafka configuration of a topic as it is declared."""
    retention = milliseconds(topic.retention)
    wanted = {"retention.ms": "-1" if retention is None else str(retention)}
    if not topic.compacted:
        return wanted | {"cleanup.policy": "delete"}
    policy = "compact" if retention is None else "compact,delete"
    return wanted | {
        "cleanup.policy": policy,
        "max.compaction.lag.ms": str(milliseconds(COMPACTION_LAG)),
        "delete.retention.ms": str(milliseconds(DELETE_RETENTION)),
    }


def merged(present: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str] | None:
    """Return the whole configuration to set, or none where nothing differs.

    Kafka replaces the whole set of a topic: what somebody else set there must be sent again.
    """
    if all(present.get(name) == value for name, value in wanted.items()):
        return None
    return {**present, **wanted}


def sorted_by_name(topics: Iterable[TopicLike]) -> list[TopicLike]:
    """Return topics in a fixed order; raise where one name is declared twice."""
    ordered = sorted(topics, key=lambda topic: topic.name)
    for one, next_ in pairwise(ordered):
        if one.name == next_.name:
            msg = f"topic {one.name} is declared twice"
            raise ValueError(msg)
    return ordered
