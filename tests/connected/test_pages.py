"""The journeys of a browser, with the pages and all that they ask in processes of their own."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.connected.house import MARKS, Servers, connected
from tests.web.browser.lively import BEGINS, Lively, lived_at
from tests.web.browser.looking import Looker
from tests.web.browser.test_journeys import (
    test_somebody_evaluates_by_the_link_of_the_mail,
    test_somebody_registers_confirms_and_cancels,
    test_somebody_signs_in_finds_a_room_and_books_it,
)

pytestmark = [*MARKS, pytest.mark.browser, pytest.mark.parametrize("script", [True])]

__all__ = [
    "test_somebody_evaluates_by_the_link_of_the_mail",
    "test_somebody_registers_confirms_and_cancels",
    "test_somebody_signs_in_finds_a_room_and_books_it",
]


@pytest.fixture(scope="module")
async def lively(module_servers: Servers) -> AsyncIterator[Lively]:
    """The same life as the embedded house of the browser's tests, lived by the distributed one."""
    async with connected(module_servers, BEGINS) as (fleet, house):
        key = (fleet.folder / "admin-key").read_text().strip()
        async with lived_at(fleet.gateway, key, house.mail) as made:
            yield made


@pytest.fixture
async def looker(lively: Lively, chromium: Browser) -> AsyncIterator[Looker]:
    """A Chromium before the house; at the end nothing foreign was asked for or refused."""
    looker = Looker(chromium, lively)
    yield looker
    looker.check()
