"""A house with a week in it, opened once for the tests of a file."""

from collections.abc import AsyncIterator

import pytest

from tests.web.house import Opened, opened


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Opened]:
    """A whole house on a replay clock, on 10 October 2023 at 11.30 in Malmö."""
    async with opened(tmp_path_factory.mktemp("house")) as made:
        yield made
