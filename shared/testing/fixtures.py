"""Fixtures that tests of any room use: a real PostgreSQL, and stores on both databases."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from shared.clock import Clock, SystemClock
from shared.ids import new_id
from shared.store import Store
from shared.testing.postgres import PostgresServer

DIALECTS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
"""Both databases, for `@pytest.mark.parametrize("dialect", DIALECTS)`."""

MakeUrl = Callable[[str], Awaitable[str]]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Start a PostgreSQL for the whole run; its disk is not waited for."""
    server = PostgresServer(settings={"fsync": "off"}).start()
    yield server
    server.stop()


@pytest.fixture
def make_url(request: pytest.FixtureRequest, tmp_path: Path) -> MakeUrl:
    """Return a function that gives the address of a new store of a dialect."""

    async def make(dialect: str) -> str:
        if dialect == "sqlite":
            return f"sqlite:///{tmp_path / new_id()}.sqlite"
        server: PostgresServer = request.getfixturevalue("postgres_server")
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
