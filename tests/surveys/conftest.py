"""A surveys service for each test, on the database it asks for."""

import io
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from shared.observability.logs import configure_logs
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


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Catch what this process logs."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    caught = io.StringIO()
    configure_logs(stream=caught, json_lines=True)
    yield caught
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
