"""Opens pages in Chromium and notes what no page may do: ask other hosts, break its policy."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from tests.web.browser.lively import Lively

PATIENCE_MS: Final = 10_000
_FORM_ANSWER: Final = re.compile(r"Failed to load resource: the server responded with a status")


class Looker:
    """Somebody who opens pages, and remembers all that was asked for and complained of."""

    def __init__(self, browser: Browser, lively: Lively) -> None:
        self.lively = lively
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self._browser = browser

    @asynccontextmanager
    async def context(
        self,
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        script: bool = True,
        session: str | None = None,
    ) -> AsyncIterator[BrowserContext]:
        """A fresh browser of a size, perhaps without scripts, perhaps of who has signed in."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            locale="sv-SE",
        )
        context.set_default_timeout(PATIENCE_MS)
        context.on("request", self._asked)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        if session is not None:
            url = self.lively.address
            await context.add_cookies([{"name": "andan_session", "value": session, "url": url}])
        try:
            yield context
        finally:
            await context.close()

    @asynccontextmanager
    async def page(self, **how: Any) -> AsyncIterator[Page]:
        """A page of a fresh browser."""
        async with self.context(**how) as context:
            yield await context.new_page()

    def check(self) -> None:
        """Say what a page did that no page may do."""
        assert not self.foreign, self.foreign
        assert not self.complaints, self.complaints

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self.lively.address:
            self.foreign.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _FORM_ANSWER.match(message.text):
            self.complaints.append(message.text)


async def opens(page: Page, url: str, status: int = 200) -> None:
    """Open an address and see it answered as it should be."""
    answer = await page.goto(url)
    assert answer is not None
    assert answer.status == status, (url, answer.status, (await page.content())[:2_000])
