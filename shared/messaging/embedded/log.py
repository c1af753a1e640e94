"""A durable, Kafka-shaped log in one SQLite file: topics, offsets, keys, headers, groups."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from aiokafka.errors import MessageSizeTooLargeError, UnknownTopicOrPartitionError
from aiokafka.structs import ConsumerRecord

from shared.messaging.declaration import Change, TopicLike, milliseconds
from shared.messaging.embedded import cleaning
from shared.messaging.embedded.errors import GroupTaken, KeyRequired, LogFailure
from shared.messaging.embedded.headers import Headers, pack, unpack
from shared.messaging.embedded.storage import Storage

OFFSETS = 1 << 40  # a topic's records lie at id * OFFSETS + offset
LARGEST = 1 << 20  # bytes of key and value; Kafka's default for a request


class NewRecord(NamedTuple):
    """One record to append: value none is a tombstone, timestamp in milliseconds since 1970."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: int | None = None


class Listener(Protocol):
    """Whoever wants to hear that a topic grew."""

    def wake(self) -> None: ...


class TopicLog:
    """What is kept in memory about a topic: where it begins and ends, and who listens."""

    __slots__ = ("begin", "compacted", "end", "first", "id", "listeners", "name", "retention_ms")

    def __init__(
        self, id_: int, name: str, end: int, retention_ms: int | None, *, compacted: bool
    ) -> None:
        self.id = id_
        self.name = name
        self.first = id_ * OFFSETS
        self.begin = end
        self.end = end
        self.retention_ms = retention_ms
        self.compacted = compacted
        self.listeners: set[Listener] = set()


class EmbeddedLog:
    """The log of one process. Call it from the loop thread only; without a path it is in memory."""

    def __init__(
        self, path: Path | str | None, *, clock_time: Callable[[], float] = time.time
    ) -> None:
        self.path = Path(path) if path is not None else None
        self._clock_time = clock_time
        self._storage = Storage(self.path)
        self._topics: dict[str, TopicLog] = {}
        self._committed: dict[tuple[str, str], int] = {}
        self._members: dict[tuple[str, str], object] = {}
        self._pending: list[tuple[NewRecord, asyncio.Future[int]]] = []

    def open(self) -> None:
        """Open the file and read topics and offsets; raise `LogInUse` if another owns it."""
        self._storage.open()
        connection = self._storage.connection
        for row in connection.execute(
            "SELECT id, name, end_offset, retention_ms, compacted FROM topics"
        ):
            topic = TopicLog(row[0], row[1], row[2], row[3], compacted=bool(row[4]))
            topic.begin = cleaning.beginning(connection, topic.first, topic.end)
            self._topics[topic.name] = topic
        for group, name, offset in connection.execute(
            "SELECT consumer_group, name, next_offset FROM committed"
            " JOIN topics ON topics.id = topic_id"
        ):
            self._committed[group, name] = offset

    def close(self) -> None:
        """Store what was sent, close the file and let go of it."""
        with suppress(LogFailure):
            self.flush()
        self._storage.close()
        self._topics.clear()
        self._committed.clear()
        self._members.clear()

    def now_ms(self) -> int:
        """Return the log's time in milliseconds since 1970."""
        return int(self._clock_time() * 1000)

    def declare(self, topics: Iterable[TopicLike]) -> list[Change]:
        """Make the topics that are missing, alter what is kept differently; return the changes."""
        changes: list[Change] = []
        with self._storage.transaction(durable=True) as connection:
            for wanted in topics:
                retention = milliseconds(wanted.retention)
                known = self._topics.get(wanted.name)
                if known is None:
                    changes.append(Change(wanted.name, "made"))
                elif (known.retention_ms, known.compacted) != (retention, wanted.compacted):
                    changes.append(Change(wanted.name, "altered"))
                else:
                    continue
                connection.execute(
                    "INSERT INTO topics (name, end_offset, retention_ms, compacted)"
                    " VALUES (?, 0, ?, ?) ON CONFLICT (name) DO UPDATE"
                    " SET retention_ms = excluded.retention_ms, compacted = excluded.compacted",
                    (wanted.name, retention, wanted.compacted),
                )
            rows = connection.execute("SELECT id, name, retention_ms, compacted FROM topics")
            found = rows.fetchall()
        for id_, name, retention, compacted in found:
            topic = self._topics.setdefault(
                name, TopicLog(id_, name, 0, retention, compacted=bool(compacted))
            )
            topic.retention_ms, topic.compacted = retention, bool(compacted)
        return changes

    def ping(self) -> None:
        """Raise `LogFailure` unless the log is open."""
        self._storage.connection  # noqa: B018  # the property raises

    def names(self) -> list[str]:
        """Return the names of all topics."""
        return list(self._topics)

    def topic(self, name: str) -> TopicLog:
        """Return a topic; raise Kafka's own error when nobody declared it."""
        try:
            return self._topics[name]
        except KeyError:
            msg = f"topic {name} is not declared"
            raise UnknownTopicOrPartitionError(msg) from None

    def check(self, record: NewRecord) -> None:
        """Raise what Kafka would raise for a record that can never be stored."""
        topic = self.topic(record.topic)
        if record.key is None:
            if topic.compacted:
                msg = f"topic {record.topic} is compacted: a record needs a key"
                raise KeyRequired(msg)
            if record.value is None:
                msg = "a record needs a key or a value"
                raise ValueError(msg)
        for part in (record.key, record.value):
            if part is not None and type(part) is not bytes:
                msg = f"keys and values are bytes, not {type(part).__name__}"
                raise TypeError(msg)
        if len(record.key or b"") + len(record.value or b"") > LARGEST:
            msg = f"a record of {record.topic} is larger than {LARGEST} bytes"
            raise MessageSizeTooLargeError(msg)

    def append(self, records: Sequence[NewRecord]) -> list[int]:
        """Store records together, synced to disk, in their order; return their offsets.

        All or none is stored. Whoever consumes the topics is woken.
        """
        self.flush()
        return self._store(records)

    def send(self, record: NewRecord) -> asyncio.Future[int]:
        """Store a record with everything else of this turn of the loop; the result: its offset."""
        self.check(record)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        if not self._pending:
            loop.call_soon(self.flush)
        self._pending.append((record, future))
        return future

    def flush(self) -> None:
        """Store what was sent in this turn; its futures get their offsets or the error."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        try:
            offsets = self._store([record for record, _ in pending])
        except Exception as error:  # noqa: BLE001  # whatever it was, the senders must learn it
            for _, future in pending:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), offset in zip(pending, offsets, strict=True):
            if not future.done():
                future.set_result(offset)

    def _store(self, records: Sequence[NewRecord]) -> list[int]:
        now = self.now_ms()
        ends: dict[TopicLog, int] = {}
        rows: list[tuple[int, bytes | None, bytes | None, bytes, int]] = []
        offsets: list[int] = []
        for record in records:
            self.check(record)
            name, key, value, headers, timestamp = record
            topic = self._topics[name]
            offset = ends.get(topic, topic.end)
            ends[topic] = offset + 1
            offsets.append(offset)
            written = now if timestamp is None else timestamp
            rows.append((topic.first + offset, key, value, pack(headers), written))
        with self._storage.transaction(durable=True) as connection:
            connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", rows)
            connection.executemany(
                "UPDATE topics SET end_offset = ? WHERE id = ?",
                [(end, topic.id) for topic, end in ends.items()],
            )
        for topic, end in ends.items():
            topic.end = end
            for listener in topic.listeners:
                listener.wake()
        return offsets

    def read(self, topic: TopicLog, offset: int, limit: int) -> list[ConsumerRecord[bytes, bytes]]:
        """Return at most `limit` records of a topic from an offset on, in their order."""
        try:
            rows = self._storage.connection.execute(
                "SELECT position, key, value, headers, timestamp FROM records"
                " WHERE position >= ? AND position < ? ORDER BY position LIMIT ?",
                (topic.first + offset, topic.first + topic.end, limit),
            ).fetchall()
        except sqlite3.Error as error:
            msg = f"the log {self.path} cannot be read: {error}"
            raise LogFailure(msg) from error
        name, first = topic.name, topic.first
        return [
            ConsumerRecord(
                topic=name,
                partition=0,
                offset=position - first,
                timestamp=timestamp,
                timestamp_type=0,
                key=key,
                value=value,
                checksum=None,
                serialized_key_size=-1 if key is None else len(key),
                serialized_value_size=-1 if value is None else len(value),
                headers=unpack(headers),
            )
            for position, key, value, headers, timestamp in rows
        ]

    def commit(self, group: str, offsets: Mapping[str, int]) -> None:
        """Remember, per topic, the offset a group reads next; survives the death of the process."""
        with self._storage.transaction(durable=False) as connection:
            connection.executemany(
                "INSERT INTO committed VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
                " SET next_offset = excluded.next_offset",
                [(group, self.topic(name).id, offset) for name, offset in offsets.items()],
            )
        for name, offset in offsets.items():
            self._committed[group, name] = offset

    def committed(self, group: str, topic: str) -> int | None:
        """Return the offset a group reads next, or none where it never committed."""
        return self._committed.get((group, topic))

    def lag(self, group: str, topics: Iterable[str]) -> dict[str, int]:
        """Return, per topic, how many records a group has not acknowledged; O(1) each."""
        lags: dict[str, int] = {}
        for name in topics:
            topic = self.topic(name)
            lags[name] = topic.end - max(self._committed.get((group, name), 0), topic.begin)
        return lags

    def join(self, group: str, topics: Iterable[str], member: object) -> None:
        """Make a consumer the one member of a group on topics; raise `GroupTaken` if there is."""
        names = list(topics)
        for name in names:
            if self._members.get((group, name), member) is not member:
                msg = (
                    f"group {group} already has a member on {name}: on the embedded bus a group "
                    "has one member per topic"
                )
                raise GroupTaken(msg)
        for name in names:
            self._members[group, name] = member

    def leave(self, member: object) -> None:
        """Let another consumer take the places of this one."""
        for place in [place for place, taken in self._members.items() if taken is member]:
            del self._members[place]

    def clean(self, now: float | None = None) -> int:
        """Apply retention and compaction as of `now` (seconds since 1970); return rows removed."""
        self.flush()
        now_ms = self.now_ms() if now is None else int(now * 1000)
        removed = 0
        for topic in self._topics.values():
            with self._storage.transaction(durable=True) as connection:
                if topic.retention_ms is not None:
                    removed += cleaning.expire(
                        connection, topic.first, topic.end, now_ms - topic.retention_ms
                    )
                if topic.compacted:
                    removed += cleaning.compact(connection, topic.first, topic.end, now_ms)
                topic.begin = cleaning.beginning(connection, topic.first, topic.end)
        if removed:
            cleaning.truncate(self._storage.connection)
        return removed
