"""Fixtures that tests of any room use: a real PostgreSQL, stores on both databases, the log."""

import asyncio
import io
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import structlog

from shared.clock import Clock, SystemClock
from shared.ids import new_id
from shared.observability.logs import configure_logs
from shared.store import Store
from shared.testing.postgres import Databases, GivenPostgres, PostgresServer

GIVEN = "ANDAN_TEST_DATABASE"  # hands the address down to the fixture, and to no house under test
DIALECTS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
"""Both databases, for `@pytest.mark.parametrize("dialect", DIALECTS)`."""

MakeUrl = Callable[[str], Awaitable[str]]


def pytest_configure() -> None:
    """Take the address out of the variable that Andan reads: a store is where a test says."""
    if given := os.environ.pop("DATABASE_URL", None):
        os.environ[GIVEN] = given


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Databases]:
    """A PostgreSQL for the run: that of `DATABASE_URL`, else one whose disk is not waited for.

    Databases that were made on a given server stay there.
    """
    if given := os.environ.get(GIVEN):
        yield GivenPostgres(given)
        return
    server = PostgresServer(settings={"fsync": "off"}).start()
    yield server
    server.stop()


@pytest.fixture
def make_url(request: pytest.FixtureRequest, tmp_path: Path) -> MakeUrl:
    """Return a function that gives the address of a new store of a dialect."""

    async def make(dialect: str) -> str:
        if dialect == "sqlite":
            return f"sqlite:///{tmp_path / new_id()}.sqlite"
        server: Databases = request.getfixturevalue("postgres_server")
        return await server.create_database()

    return make


MakeStore = Callable[..., Awaitable[Store]]


@pytest.fixture
async def make_store(make_url: MakeUrl) -> AsyncIterator[MakeStore]:
    """Return a function that opens a new store with a service's migrations."""
    opened: list[Store] = []

    async def make(
        dialect: str, migrations: Path, *, service: str = "toy", clock: Clock | None = None
    ) -> Store:
        store = Store(
            await make_url(dialect),
            service=service,
            source="https://test.example",
            clock=clock or SystemClock(),
            migrations=migrations,
        )
        opened.append(store)
        await store.open()
        return store

    yield make
    await asyncio.gather(*(store.close() for store in opened))


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Catch what this process logs, as JSON lines; logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    caught = io.StringIO()
    configure_logs(stream=caught, json_lines=True)
    yield caught
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
