"""What the embedded log refuses, each with a sentence for the person who meets it."""

from aiokafka.errors import KafkaError


class LogInUse(RuntimeError):
    """Another process (or another log object) owns the file of the log."""


class GroupTaken(RuntimeError):
    """A group already has its one member on this topic: the embedded bus knows no second."""


class LogFailure(KafkaError):  # type: ignore[misc]  # aiokafka carries no types
    """The file of the log could not be read or written (a full disk, for example)."""


class KeyRequired(KafkaError):  # type: ignore[misc]  # aiokafka carries no types
    """A compacted topic takes no record without a key."""
