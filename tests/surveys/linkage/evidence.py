"""What the adversary holds: every file's bytes, every state that they show, logs and metrics."""

import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_WAL_HEADER = 32
_FRAME_HEADER = 24


@dataclass(frozen=True)
class Rows:
    """A table as it lies in a store: rows in the order in which they are kept."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


State = dict[str, Rows]


@dataclass
class Evidence:
    """All stored bytes of a house, and what else somebody who was there knows.

    `answerers` and `writers` are persons in the order in which they answered and wrote;
    `identifiers` are the ids and addresses that go with a person. `answered_by` and `written_by`
    say how many had done so at each of the two backups.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    states: list[State] = field(default_factory=list)
    """The store after each commit that its log still holds, the last one as it is now."""
    post: dict[str, bytes] = field(default_factory=dict)
    """Every file when the ballots had just been mailed."""
    others: list[State] = field(default_factory=list)
    """The store of notifications after each commit until then."""
    backups: list[State] = field(default_factory=list)
    log: State = field(default_factory=dict)
    lines: str = ""
    metrics: str = ""
    answerers: list[str] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    identifiers: dict[str, list[str]] = field(default_factory=dict)
    answered_by: list[int] = field(default_factory=list)
    written_by: list[int] = field(default_factory=list)
    mode: int = 0
    """The rating that most gave: what everybody may know from the released bars."""
    texts: list[str] = field(default_factory=list)
    """What was written, as it is read after the close."""

    @property
    def final(self) -> State:
        """The store as it is now."""
        return self.states[-1]


def read_state(database: bytes) -> State:
    """Return all tables of a database image."""
    connection = sqlite3.connect(":memory:")
    try:
        # The two bytes that say "has a write-ahead log": this image has none any more.
        connection.deserialize(database[:18] + b"\x01\x01" + database[20:])
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        found = {}
        for (name,) in names:
            cursor = connection.execute(f'SELECT * FROM "{name}"')
            rows = tuple(cursor.fetchall())
            found[name] = Rows(name, tuple(each[0] for each in cursor.description), rows)
        return found
    finally:
        connection.close()


def history(database: bytes, wal: bytes) -> Iterator[State]:
    """Yield the state after each commit that the write-ahead log holds; at least the last one."""
    if len(wal) < _WAL_HEADER:
        yield read_state(database)
        return
    size = struct.unpack(">I", wal[8:12])[0]
    salts = wal[16:24]
    pages = {at: database[at * size : (at + 1) * size] for at in range(len(database) // size)}
    for start in range(_WAL_HEADER, len(wal) - _FRAME_HEADER - size + 1, _FRAME_HEADER + size):
        number, commits = struct.unpack(">II", wal[start : start + 8])
        if wal[start + 8 : start + 16] != salts:
            return
        pages[number - 1] = wal[start + _FRAME_HEADER : start + _FRAME_HEADER + size]
        if commits:
            yield read_state(b"".join(pages[at] for at in range(commits)))


def read_files(folder: Path) -> dict[str, bytes]:
    """Return every file of a data folder but its keys, and the mails: they are the people's."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in ("keys", "mail")
    }
