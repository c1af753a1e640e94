"""Retention and compaction of the embedded log, as Kafka's, but at once and row by row."""

import sqlite3
from datetime import timedelta

from shared.messaging.declaration import DELETE_RETENTION

TOMBSTONES_KEPT_MS = DELETE_RETENTION // timedelta(milliseconds=1)


def beginning(connection: sqlite3.Connection, first: int, end: int) -> int:
    """Return the offset of the oldest record that is left, or the end where none is."""
    (position,) = connection.execute(
        "SELECT min(position) FROM records WHERE position >= ? AND position < ?",
        (first, first + end),
    ).fetchone()
    return end if position is None else int(position) - first


def expire(connection: sqlite3.Connection, first: int, end: int, before_ms: int) -> int:
    """Remove the records in front of the first one that is young enough."""
    (kept,) = connection.execute(
        "SELECT coalesce((SELECT position FROM records WHERE position >= ? AND position < ?"
        " AND timestamp >= ? ORDER BY position LIMIT 1), ?)",
        (first, first + end, before_ms, first + end),
    ).fetchone()
    return connection.execute(
        "DELETE FROM records WHERE position >= ? AND position < ?", (first, kept)
    ).rowcount


def compact(connection: sqlite3.Connection, first: int, end: int, now_ms: int) -> int:
    """Leave the latest record of each key, and tombstones for their time.

    The last record of all stays whatever it is, as the open segment does in Kafka: a group that
    has read everything else could otherwise never show that it is done.
    """
    last = first + end - 1
    superseded = connection.execute(
        "DELETE FROM records WHERE position >= ? AND position < ? AND position NOT IN"
        " (SELECT max(position) FROM records WHERE position >= ? AND position <= ? GROUP BY key)",
        (first, last, first, last),
    ).rowcount
    forgotten = connection.execute(
        "DELETE FROM records WHERE position >= ? AND position < ? AND value IS NULL"
        " AND timestamp < ?",
        (first, last, now_ms - TOMBSTONES_KEPT_MS),
    ).rowcount
    return superseded + forgotten


def truncate(connection: sqlite3.Connection) -> None:
    """Write the journal back into the file, so that what was removed is on disk no more."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
