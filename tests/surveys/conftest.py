"""A surveys service for each test, on the database it asks for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.surveys.scene import Scene, scene


@pytest.fixture(params=DIALECTS)
async def here(
    request: pytest.FixtureRequest, make_url: MakeUrl, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Run surveys on either database."""
    async with scene(make_url, tmp_path, request.param) as made:
        yield made


@pytest.fixture
async def sqlite_here(make_url: MakeUrl, tmp_path: Path) -> AsyncIterator[Scene]:
    """Run surveys on SQLite, where the database does not matter."""
    async with scene(make_url, tmp_path, "sqlite") as made:
        yield made
