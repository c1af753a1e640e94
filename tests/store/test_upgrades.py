"""Stores of another version: a filled one is brought up to date, a newer one is left alone."""

import importlib
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    MetaData,
    Select,
    Table,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.types import TypeEngine
from sqlmodel import UTCDateTime

from shared.clock import SystemClock
from shared.store import Store
from shared.store.plumbing import PLUMBING
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.store.test_migrations import SERVICES, differences

pytestmark = pytest.mark.anyio

NOON = datetime(2023, 1, 1, 12, tzinfo=UTC)


def some(kind: TypeEngine[Any]) -> Any:
    """Return a value that a column of this type can hold."""
    if isinstance(kind, JSON):
        return {}
    if isinstance(kind, (UTCDateTime, DateTime)):
        return NOON
    values = {int: 1, bool: True, bytes: b"x", date: NOON.date()}
    return values.get(kind.python_type, "x")


def models_of(service: str) -> tuple[MetaData, Path]:
    """Return the tables of a service as its models say, and the folder of its migrations."""
    models = importlib.import_module(f"services.{service}.models")
    return models.Table.metadata, Path(models.__file__ or "").parent / "migrations"


def with_history(service: str) -> bool:
    """Say whether a service's store has been changed since its first version."""
    _, folder = models_of(service)
    return len(list(folder.glob("versions/[0-9]*.py"))) > 1


CHANGED = [service for service in SERVICES if with_history(service)]


def first_version(folder: Path, to: Path) -> Path:
    """Return a lineage of the first migration alone, as a process of the first version has it."""
    (to / "versions").mkdir(parents=True)
    for path in folder.glob("versions/0001_*.py"):
        shutil.copy(path, to / "versions")
    return to


def fill(connection: Connection, models: MetaData) -> dict[str, int]:
    """Put a row into every table that is there; return how many rows each has."""
    for table in models.sorted_tables:
        if not inspect(connection).has_table(table.name) or connection.scalar(_rows(table)):
            continue
        there = {column["name"] for column in inspect(connection).get_columns(table.name)}
        known = Table(table.name, MetaData(), *(Column(each, table.c[each].type) for each in there))
        row = {each: some(table.c[each].type) for each in there if not table.c[each].nullable}
        connection.execute(insert(known).values(row))
    return count(connection, models)


def count(connection: Connection, models: MetaData) -> dict[str, int]:
    """Return how many rows each of the tables has that are there."""
    there = set(inspect(connection).get_table_names())
    return {
        table.name: connection.scalar(_rows(table)) or 0
        for table in models.sorted_tables
        if table.name in there
    }


def _rows(table: Table) -> Select[int]:
    return select(func.count()).select_from(table)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("service", CHANGED)
async def test_a_filled_store_is_brought_up_to_date(
    make_url: MakeUrl, tmp_path: Path, dialect: str, service: str
) -> None:
    """Every row of the first version is there afterwards; the first version can still open it."""
    models, folder = models_of(service)
    url = await make_url(dialect)
    before: dict[str, int] = {}
    for version in (first_version(folder, tmp_path / "first"), folder, tmp_path / "first"):
        store = Store(
            url,
            service=service,
            source="https://test.example",
            clock=SystemClock(),
            migrations=version,
        )
        await store.open()
        try:
            async with store.engines.writer.begin() as connection:
                if not before:
                    before = await connection.run_sync(fill, models)
                else:
                    assert await connection.run_sync(differences, [PLUMBING, models]) == []
                after = await connection.run_sync(count, models)
                assert {name: after[name] for name in before} == dict.fromkeys(before, 1)
        finally:
            await store.close()
