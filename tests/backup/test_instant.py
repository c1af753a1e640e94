"""Snapshots of several files while somebody writes to all of them."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from services.backup.instant import NoInstant, copy, one_instant


@contextmanager
def written(first: Path, second: Path, *, pause: float) -> Iterator[None]:
    """Meanwhile, write each number to the first file and then to the second, ever again."""
    done = threading.Event()
    for path in (first, second):
        with closing(sqlite3.connect(path)) as file:
            file.execute("PRAGMA journal_mode=WAL")
            file.execute("CREATE TABLE t (number INTEGER PRIMARY KEY)")

    def write() -> None:
        with closing(sqlite3.connect(first)) as one, closing(sqlite3.connect(second)) as other:
            number = 0
            while not done.is_set():
                number += 1
                for file in (one, other):
                    with file:
                        file.execute("INSERT INTO t VALUES (?)", (number,))
                time.sleep(pause)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


def rows(connection: sqlite3.Connection) -> int:
    """Return how many numbers a file holds."""
    count: int = connection.execute("SELECT count(*) FROM t").fetchone()[0]
    return count


def test_all_files_are_of_one_instant(tmp_path: Path) -> None:
    """The second never holds more than the first, nor lacks more than one; so do the copies."""
    first, second = tmp_path / "first", tmp_path / "second"
    with written(first, second, pause=0.001):
        for number in range(30):
            time.sleep(0.005)
            with one_instant([second, first]) as seen:
                time.sleep(0.002)
                assert rows(seen[first]) - rows(seen[second]) in (0, 1)
                for path in (first, second):
                    copy(seen[path], tmp_path / f"{path.name}{number}")
    with closing(sqlite3.connect(tmp_path / "first29")) as file:
        assert rows(file) > 10
    for number in range(30):
        counts = []
        for path in (first, second):
            with closing(sqlite3.connect(tmp_path / f"{path.name}{number}")) as file:
                counts.append(rows(file))
        assert counts[0] - counts[1] in (0, 1)


def test_nobody_waits_for_a_snapshot(tmp_path: Path) -> None:
    """While one is held, the writer goes on."""
    first, second = tmp_path / "first", tmp_path / "second"
    with written(first, second, pause=0.001), one_instant([first, second]) as seen:
        held = rows(seen[first])
        with closing(sqlite3.connect(first)) as file:
            until = time.monotonic() + 10
            while rows(file) < held + 10:
                assert time.monotonic() < until
        assert rows(seen[first]) == held


def test_where_no_instant_comes_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are written to between every two looks give no backup, and no wrong one."""
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setattr("services.backup.instant._begin", lambda _: time.sleep(0.05))
    with (
        written(first, second, pause=0.0),
        pytest.raises(NoInstant),
        one_instant([first, second], patience=0.5),
    ):
        pass


def test_a_file_that_is_missing_is_not_made(tmp_path: Path) -> None:
    """A store that is not there is an error, never an empty copy."""
    with pytest.raises(sqlite3.OperationalError), one_instant([tmp_path / "none"]):
        pass
    assert not (tmp_path / "none").exists()
