"""Houses that are opened once for the tests of a file, where none disturbs another."""

from collections.abc import AsyncIterator

import pytest

from tests.web.browsing import City, city
from tests.web.house import Opened, opened


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Opened]:
    """A whole house on a replay clock, on 10 October 2023 at 11.30 in Malmö."""
    async with opened(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture(scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    """An empty house on 1 March 2023, for tests that each bring what they look at."""
    async with city(tmp_path_factory.mktemp("city")) as made:
        yield made
