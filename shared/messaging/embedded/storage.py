"""The one SQLite file behind the embedded log: its lock, its tables and its transactions."""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from shared.messaging.embedded.errors import LogFailure, LogInUse

TABLES = """
CREATE TABLE IF NOT EXISTS topics (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    end_offset INTEGER NOT NULL,
    retention_ms INTEGER,
    compacted INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS records (
    position INTEGER PRIMARY KEY,
    key BLOB,
    value BLOB,
    headers BLOB NOT NULL,
    timestamp INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS committed (
    consumer_group TEXT NOT NULL,
    topic_id INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, topic_id)
) WITHOUT ROWID;
"""


class Storage:
    """One connection, held by one process, that writes durably or (offsets) only orderly."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._lock: int | None = None
        self._durable = True

    def open(self) -> None:
        """Take the lock and open the file; raise `LogInUse` if another holds it."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = take_lock(self.path)
        try:
            connection = sqlite3.connect(
                str(self.path or ":memory:"), isolation_level=None, check_same_thread=False
            )
            self._connection = connection
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON")
            connection.executescript(TABLES)
        except sqlite3.Error as error:
            self.close()
            msg = f"the log {self.path} cannot be opened: {error}"
            raise LogFailure(msg) from error
        self._durable = True

    def close(self) -> None:
        """Close the file and give the lock back; closing twice is harmless."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection; raise `LogFailure` when the log is closed."""
        if self._connection is None:
            msg = "the log is not open"
            raise LogFailure(msg)
        return self._connection

    @contextlib.contextmanager
    def transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """Commit what is written inside, all or nothing; durable = synced to disk first."""
        connection = self.connection
        try:
            if durable is not self._durable:
                connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                self._durable = durable
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            msg = f"the log {self.path} cannot be written: {error}"
            raise LogFailure(msg) from error


def take_lock(path: Path) -> int:
    """Become the one process that may write to a log; raise `LogInUse` if another is."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        msg = (
            f"the log {path} is in use by process {owner}: an embedded log belongs to one "
            "process; stop that one first, or set KAFKA_BOOTSTRAP_SERVERS to share a bus"
        )
        raise LogInUse(msg) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor
