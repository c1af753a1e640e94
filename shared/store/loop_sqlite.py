"""An SQLite connection on the event loop's own thread, in aiosqlite's shape. ADR-0001."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Self


class LoopCursor:
    """A cursor whose awaitable methods never suspend."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """The columns of the last query, or None."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """How many rows the last statement touched."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The row id that the last insert made."""
        return self._cursor.lastrowid

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> Self:
        """Run one statement."""
        self._cursor.execute(operation, parameters)
        return self

    async def executemany(self, operation: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Run one statement for each set of parameters."""
        self._cursor.executemany(operation, parameters)
        return self

    async def fetchone(self) -> Any:
        """Return the next row, or None."""
        return self._cursor.fetchone()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows."""
        return self._cursor.fetchmany(self._cursor.arraysize if size is None else size)

    async def fetchall(self) -> list[Any]:
        """Return all remaining rows."""
        return self._cursor.fetchall()

    async def close(self) -> None:
        """Close the cursor."""
        self._cursor.close()


class LoopConnection:
    """A connection for one event loop; SQLAlchemy's aiosqlite dialect drives it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = connection

    @property
    def sqlite(self) -> sqlite3.Connection:
        """The bare connection, for statements that must cost nothing else."""
        if self._connection is None:
            raise sqlite3.ProgrammingError("the connection is closed")
        return self._connection

    def cursor(self) -> LoopCursor:
        """Return a new cursor."""
        return LoopCursor(self.sqlite.cursor())

    async def create_function(self, *args: Any, **options: Any) -> None:
        """Register a function with SQLite."""
        self.sqlite.create_function(*args, **options)

    async def commit(self) -> None:
        """Commit the open transaction, if there is one."""
        if self.sqlite.in_transaction:
            self.sqlite.execute("COMMIT")

    async def rollback(self) -> None:
        """Roll the open transaction back, if there is one."""
        if self._connection is not None and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def stop(self) -> None:
        """Close at once (called when the pool throws the connection away)."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def connect(path: str, pragmas: dict[str, str | int]) -> LoopConnection:
    """Open `path` in autocommit mode (transactions are begun explicitly) and apply `pragmas`."""
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name}={value}")
    return LoopConnection(connection)
