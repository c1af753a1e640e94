"""Gives tests a real Chromium: skips where there is none, fails where nothing may be skipped."""

import os
import shutil
from collections.abc import AsyncIterator
from typing import Final

import pytest
from playwright.async_api import Browser, async_playwright

ARGUMENTS: Final = (
    "--no-sandbox",  # tests may run as root, on pages of our own only
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium, closed after the test; `ANDAN_CHROMIUM` names another one."""
    path = os.environ.get("ANDAN_CHROMIUM") or shutil.which("chromium")
    if path is None:
        if os.environ.get("ANDAN_REQUIRE_ALL") == "1":
            pytest.fail("there is no chromium, and ANDAN_REQUIRE_ALL=1 lets nothing be skipped")
        pytest.skip("there is no chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()
