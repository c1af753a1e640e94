"""Several SQLite files as they were at one instant, while others write to them.

Whatever the house did stands in several files: a message in the outbox of one, on the log, in the
inbox of another, its acknowledgement on the log again. Copies of different moments would
disagree: facts that their owner does not know of, messages acknowledged and not handled. Copies
of one instant are what a crash at that instant would have left, and the house recovers from it.
"""

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

PATIENCE_SECONDS: Final = 60.0
_BUSY_SECONDS: Final = 5.0


class NoInstant(Exception):
    """The files were written to without a pause"""


@contextmanager
def one_instant(
    files: Sequence[Path], *, patience: float = PATIENCE_SECONDS
) -> Iterator[dict[Path, sqlite3.Connection]]:
    """Yield a connection to each file, all of which see it as it was at the same instant.

    Nobody is made to wait: a snapshot of each is opened, one after another, and they count if
    no file was written to between the first and the last. Otherwise all are opened anew; it
    takes a millisecond, so that a pause comes soon. Raises NoInstant where none does.
    """
    until = time.monotonic() + patience
    with ExitStack() as watching:
        watchers = [watching.enter_context(_opened(path)) for path in files]
        while True:
            with ExitStack() as opened:
                snapshots = [opened.enter_context(_opened(path)) for path in files]
                before = [_version(watcher) for watcher in watchers]
                for snapshot in snapshots:
                    _begin(snapshot)
                if [_version(watcher) for watcher in watchers] == before:
                    yield dict(zip(files, snapshots, strict=True))
                    return
            if time.monotonic() > until:
                raise NoInstant(f"the stores were written to without a pause for {patience:.0f} s")
            time.sleep(random.uniform(0, 0.01))  # noqa: S311 -- no secret


def copy(snapshot: sqlite3.Connection, target: Path) -> None:
    """Write what a snapshot sees to a new file, and check it; raises sqlite3.DatabaseError."""
    with closing(sqlite3.connect(target)) as file:
        snapshot.backup(file)
    with closing(sqlite3.connect(target)) as file:
        (said,) = file.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise sqlite3.DatabaseError(said)
    target.chmod(0o600)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    address = f"{path.absolute().as_uri()}?mode=rw"  # a file that is missing is not made
    connection = sqlite3.connect(
        address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
    )
    with closing(connection):
        connection.execute("PRAGMA query_only=1")
        yield connection


def _version(watcher: sqlite3.Connection) -> int:
    """Return a number that changes whenever somebody else has written to the file."""
    number: int = watcher.execute("PRAGMA data_version").fetchone()[0]
    return number


def _begin(snapshot: sqlite3.Connection) -> None:
    snapshot.execute("BEGIN")
    snapshot.execute("SELECT count(*) FROM sqlite_schema").fetchone()
