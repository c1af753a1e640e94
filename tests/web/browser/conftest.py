"""One house with a life for all tests in here, and somebody who looks at it."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.web.browser.lively import Lively, lively_house
from tests.web.browser.looking import Looker


@pytest.fixture(scope="session")
async def lively(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lively]:
    """The whole house on a port of its own, on 10 October 2023 at 11.30 in Malmö."""
    async with lively_house(tmp_path_factory.mktemp("lively")) as made:
        yield made


@pytest.fixture
async def looker(lively: Lively, chromium: Browser) -> AsyncIterator[Looker]:
    """A Chromium before the house; at the end nothing foreign was asked for or refused."""
    looker = Looker(chromium, lively)
    yield looker
    looker.check()
