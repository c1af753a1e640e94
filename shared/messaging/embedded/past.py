"""Reading the file of an embedded log without being its owner: what a restore wants to know."""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from shared.messaging.embedded.headers import unpack
from shared.messaging.embedded.log import OFFSETS, NewRecord


def records_of(path: Path, topics: Collection[str]) -> list[NewRecord]:
    """Return all records of these topics, topic by topic, in their order.

    Raises sqlite3.DatabaseError where the file is damaged or none of a log.
    """
    found: list[NewRecord] = []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        connection.execute("PRAGMA query_only=1")
        known = connection.execute("SELECT id, name FROM topics ORDER BY id").fetchall()
        for id_, name in known:
            if name in topics:
                rows = connection.execute(
                    "SELECT key, value, headers, timestamp FROM records"
                    " WHERE position >= ? AND position < ? ORDER BY position",
                    (id_ * OFFSETS, (id_ + 1) * OFFSETS),
                )
                found += [
                    NewRecord(name, key, value, unpack(headers), timestamp)
                    for key, value, headers, timestamp in rows
                ]
    return found
