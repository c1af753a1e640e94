"""The one declaration of all topics, made or compared before anything starts, on either bus."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

DELETE_RETENTION = timedelta(days=7)  # how long a tombstone stays readable
COMPACTION_LAG = timedelta(days=1)  # how long a superseded value may stay, once written after


_FLOORS: Final = {
    "delete.retention.ms": "tombstones would be lost that somebody may not have heard",
    "min.insync.replicas": "what is acknowledged would be on fewer servers",
}
"""Settings of which less is a loss, and what would be lost."""


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


class Difference(NamedTuple):
    """One thing in which a topic is not as it is declared; `present` is None for a missing one."""

    topic: str
    what: str
    present: str | None
    wanted: str
    objection: str = ""
    """What speaks against altering it; empty where nothing does."""
    is_final: bool = False
    """Nobody may have it altered here, whatever he accepts to lose."""

    def __str__(self) -> str:
        """Say it in a line."""
        if self.present is None:
            return f"{self.topic}: missing"
        present, wanted = (_in_words(self.what, each) for each in (self.present, self.wanted))
        return f"{self.topic}: {self.what} is {present}, declared {wanted}"


class TopicDiffers(RuntimeError):
    """A topic differs from its declaration in a way that is not altered without being asked."""


class Described(NamedTuple):
    """A topic as a server has it."""

    partitions: int
    replicas: int
    configuration: Mapping[str, str]
    """Every setting as it holds, also those that are the server's own."""
    set_here: Mapping[str, str]
    """The settings that somebody set on the topic itself."""


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


def differences(
    topic: TopicLike, described: Described | None, *, replicas: int, settings: Mapping[str, str]
) -> Iterator[Difference]:
    """Yield everything in which a topic differs from its declaration and from these settings."""
    if described is None:
        yield Difference(topic.name, "topic", None, "made")
        return
    if described.partitions != topic.partitions:
        yield Difference(
            topic.name,
            "partitions",
            str(described.partitions),
            str(topic.partitions),
            "keys would go to another partition than before, which breaks their order",
            is_final=True,
        )
    if described.replicas < replicas:
        yield Difference(
            topic.name,
            "replicas",
            str(described.replicas),
            str(replicas),
            "only Kafka's own kafka-reassign-partitions.sh can alter that",
            is_final=True,
        )
    wanted = {**settings, **configuration(topic)}
    for name, value in wanted.items():
        if described.set_here.get(name) != value:
            present = described.configuration.get(name, "not set")
            objection = _lost(name, described.configuration, wanted)
            yield Difference(topic.name, name, present, value, objection)


def refuse_losses(found: Iterable[Difference], *, accept_loss: bool) -> None:
    """Raise `TopicDiffers`, in a sentence each, where altering would lose something."""
    refused = [each for each in found if each.objection and (each.is_final or not accept_loss)]
    if refused:
        raise TopicDiffers("; ".join(f"topic {each} ({each.objection})" for each in refused))


def _lost(name: str, present: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Say what a topic's new setting would take away; nothing where it takes nothing."""
    before, after = present.get(name, ""), wanted[name]
    if name == "retention.ms":
        return "what is older would be lost" if _kept(wanted) < _kept(present) else ""
    if name == "cleanup.policy":
        if "compact" in after and "compact" not in before:
            return "all but the last record of each key would be lost"
        is_shorter = "delete" in after and "delete" not in before and _kept(wanted) < _kept(present)
        return "what is older than its retention would be lost" if is_shorter else ""
    is_less = name in _FLOORS and int(after) < _number(before)
    return _FLOORS[name] if is_less else ""


def _kept(settings: Mapping[str, str]) -> float:
    """Return for how many milliseconds a topic keeps its records, superseded ones apart."""
    if "delete" not in settings.get("cleanup.policy", "delete"):
        return float("inf")
    kept = float(settings.get("retention.ms", "-1"))
    return float("inf") if kept < 0 else kept


def _number(text: str) -> int:
    return int(text) if text.lstrip("-").isdigit() else 0


def _in_words(name: str, value: str) -> str:
    if not name.endswith(".ms") or not value.lstrip("-").isdigit():
        return value
    if int(value) < 0:
        return "for ever"
    days = timedelta(milliseconds=int(value)) / timedelta(days=1)
    return f"{days:g} days" if days >= 1 else f"{value} ms"


def sorted_by_name(topics: Iterable[TopicLike]) -> list[TopicLike]:
    """Return topics in a fixed order; raise where one name is declared twice."""
    ordered = sorted(topics, key=lambda topic: topic.name)
    for one, next_ in pairwise(ordered):
        if one.name == next_.name:
            msg = f"topic {one.name} is declared twice"
            raise ValueError(msg)
    return ordered
