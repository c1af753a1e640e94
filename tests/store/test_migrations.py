"""Migrations and models say the same, for every service and on both databases."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from shared.store.plumbing import PLUMBING
from shared.testing.fixtures import DIALECTS, MakeStore

SERVICES = ("directory", "booking", "events", "surveys", "notifications", "reporting", "gateway")


def _include(_: Any, name: str | None, kind: str, reflected: bool, __: Any) -> bool:
    return not (kind == "table" and name == "alembic_version")


def differences(connection: Connection, metadata: list[MetaData]) -> list[Any]:
    """Return what alembic would change to make the database like the models."""
    context = MigrationContext.configure(
        connection, opts={"compare_type": False, "include_object": _include}
    )
    return list(compare_metadata(context, metadata))  # type: ignore[arg-type]  # a list is allowed


@pytest.mark.anyio
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_migrated_store_is_what_the_models_say(
    make_store: MakeStore, dialect: str, service: str
) -> None:
    """Nothing is left for alembic to change once a lineage has run."""
    models = importlib.import_module(f"services.{service}.models")
    app = importlib.import_module(f"services.{service}.app")
    folder = Path(app.__file__ or "").parent / "migrations"
    store = await make_store(dialect, folder, service=service)
    async with store.engines.writer.connect() as connection:
        found = await connection.run_sync(differences, [PLUMBING, models.Table.metadata])
    assert found == []
