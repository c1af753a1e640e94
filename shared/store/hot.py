"""Hot statements: compiled once for each database and run on its bare driver.

SQLAlchemy costs more than the statement itself where a request is a handful of small inserts. The
words, the parameters and their conversion are still SQLAlchemy's: what a hot statement does is what
the statement does.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from asyncpg.exceptions import IntegrityConstraintViolationError, InterfaceError, PostgresError
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

if TYPE_CHECKING:
    from shared.store.work import Work

Values = Mapping[str, Any]


Convert = Callable[[Any], Any] | None


class _Telling:
    """Raises what the bare driver raises as SQLAlchemy would: whoever catches knows but that.

    The statement and its values stay out of it: they may hold persons.
    """

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Wrap a driver's error, with it as the `orig`; let any other pass."""
        if isinstance(error, (IntegrityConstraintViolationError, sqlite3.IntegrityError)):
            raise IntegrityError(None, None, error) from error
        if isinstance(error, sqlite3.OperationalError):
            raise OperationalError(None, None, error) from error
        if isinstance(error, InterfaceError) and not isinstance(error, ValueError):
            raise DBAPIError(None, None, error, connection_invalidated=True) from error
        if isinstance(error, (InterfaceError, PostgresError, sqlite3.Error)):  # or a value is unfit
            raise DBAPIError(None, None, error) from error


_TELLING = _Telling()


class _Compiled(NamedTuple):
    sql: str
    columns: list[tuple[str, Convert]]
    results: list[Convert]
    row: Callable[..., Any]

    def parameters(self, values: Values) -> tuple[Any, ...]:
        return tuple(
            values[name] if convert is None or values[name] is None else convert(values[name])
            for name, convert in self.columns
        )


class Hot:
    """A statement, given its values by name."""

    def __init__(self, statement: ClauseElement, *columns: str) -> None:
        self._statement = statement
        self._columns = list(columns) or None

    async def execute(self, work: "Work", values: Values) -> int:
        """Run it in the unit of work; return how many rows it touched."""
        driver = await work.driver()
        work.hot_changes += 1
        if work.store.dialect == "sqlite":
            compiled = self._sqlite
            with _TELLING:
                done: int = driver.sqlite.execute(
                    compiled.sql, compiled.parameters(values)
                ).rowcount
            return done
        compiled = self._postgresql
        with _TELLING:
            status: str = await driver.execute(compiled.sql, *compiled.parameters(values))
        return int(status.rpartition(" ")[2])

    async def execute_many(self, work: "Work", rows: Sequence[Values]) -> None:
        """Run it once for each row, in order."""
        driver = await work.driver()
        if work.store.dialect == "sqlite":
            compiled = self._sqlite
            with _TELLING:
                driver.sqlite.executemany(compiled.sql, [compiled.parameters(row) for row in rows])
            return
        compiled = self._postgresql
        with _TELLING:
            await driver.executemany(compiled.sql, [compiled.parameters(row) for row in rows])

    async def scalar(self, work: "Work", values: Values) -> Any:
        """Run it and return the first column of its first row (of a plain type), or None."""
        driver = await work.driver()
        if work.store.dialect == "sqlite":
            compiled = self._sqlite
            with _TELLING:
                row = driver.sqlite.execute(compiled.sql, compiled.parameters(values)).fetchone()
            return None if row is None else row[0]
        compiled = self._postgresql
        with _TELLING:
            return await driver.fetchval(compiled.sql, *compiled.parameters(values))

    async def first(self, work: "Work", values: Values) -> Any:
        """Run a select; return its first row, the columns as attributes, or None."""
        driver = await work.driver()
        compiled = self._sqlite if work.store.dialect == "sqlite" else self._postgresql
        parameters = compiled.parameters(values)
        with _TELLING:
            if work.store.dialect == "sqlite":
                row = driver.sqlite.execute(compiled.sql, parameters).fetchone()
            else:
                row = await driver.fetchrow(compiled.sql, *parameters)
        if row is None:
            return None
        return compiled.row(
            *(
                value if convert is None or value is None else convert(value)
                for value, convert in zip(row, compiled.results, strict=True)
            )
        )

    @cached_property
    def _sqlite(self) -> _Compiled:
        return self._compile(pysqlite.dialect(paramstyle="qmark"))

    @cached_property
    def _postgresql(self) -> _Compiled:
        return self._compile(asyncpg.dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy's

    def _compile(self, dialect: Any) -> _Compiled:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._columns)
        convert = compiled._bind_processors  # noqa: SLF001 -- what a statement's own execution uses
        selected = getattr(self._statement, "selected_columns", ())
        results = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in selected
        ]
        return _Compiled(
            str(compiled),
            [(name, convert.get(name)) for name in compiled.positiontup],
            results,
            namedtuple("Row", [column.key for column in selected]),
        )
