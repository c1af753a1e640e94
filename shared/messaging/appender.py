"""How the relay appends to the bus: rows in order, all acknowledged or an error."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from aiokafka.errors import (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
    UnknownTopicOrPartitionError,
    UnsupportedForMessageFormatError,
)

from shared.messaging.embedded.errors import KeyRequired
from shared.messaging.embedded.log import EmbeddedLog, NewRecord

HOPELESS = (
    InvalidTopicError,
    KeyRequired,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
    TypeError,
    UnknownTopicOrPartitionError,
    UnsupportedForMessageFormatError,
    ValueError,
)


class OutboxRecord(NamedTuple):
    """One row as it goes to the bus; value none is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Unsendable(Exception):
    """The row at this place of the batch can never be sent; the rest may be."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"row {index} cannot be sent: {reason}")
        self.index = index
        self.reason = reason


class Appender(Protocol):
    """One task's way onto the bus. After any error but `Unsendable`, close it and open another."""

    async def append(self, rows: Sequence[OutboxRecord]) -> None:
        """Return once all rows are acknowledged, in their order (per key, on Kafka).

        Raise `Unsendable` for the first row that can never be sent, as a rule before any row is
        sent. After any other error (a time-out too) what was stored is unknown: send again from
        the first row, for delivery is at least once.
        """

    async def close(self) -> None:
        """Let go, within two seconds."""


AppenderFactory = Callable[[str], Awaitable[Appender]]


class EmbeddedAppender:
    """Appends to the log: a batch is one transaction, synced to disk, all rows or none."""

    def __init__(self, log: EmbeddedLog) -> None:
        self._log = log

    async def append(self, rows: Sequence[OutboxRecord]) -> None:
        """Store rows together; none is stored when one is `Unsendable`."""
        records = [NewRecord(*row) for row in rows]
        for index, record in enumerate(records):
            try:
                self._log.check(record)
            except HOPELESS as error:
                raise Unsendable(index, repr(error)) from error
        self._log.append(records)

    async def close(self) -> None:
        """Do nothing: the log is the bus's."""
