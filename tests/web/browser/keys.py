"""A keyboard, and nobody's mouse: goes to a thing with Tab, types, chooses, presses."""

from typing import Final

from playwright.async_api import Page

_MOST_STOPS: Final = 150
_FOCUS: Final = "() => document.activeElement ? document.activeElement.id : ''"
_IS_AT: Final = (
    "selector => document.activeElement !== document.body"
    " && document.activeElement.matches(selector)"
)


class Keys:
    """Somebody who reads a page with a keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def to(self, selector: str) -> None:
        """Press Tab until what has the focus is the thing looked for."""
        for _ in range(_MOST_STOPS):
            if await self.page.evaluate(_IS_AT, selector):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never comes to {selector} on {self.page.url}")

    async def types(self, selector: str, words: str) -> None:
        """Go to a field and write into it, over what stands there."""
        await self.to(selector)
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.type(words)

    async def chooses(self, selector: str, *, down: int = 1) -> str:
        """Go to a list and take the entry so many below; return its value."""
        await self.to(selector)
        for _ in range(down):
            await self.page.keyboard.press("ArrowDown")
        return str(await self.page.evaluate("() => document.activeElement.value"))

    async def ticks(self, selector: str) -> None:
        """Go to a box and tick it."""
        await self.to(selector)
        await self.page.keyboard.press("Space")
        assert await self.page.evaluate("() => document.activeElement.checked")

    async def enters(self, selector: str) -> None:
        """Go to a link or a button, press Enter, and wait for the page that follows."""
        await self.to(selector)
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")

    async def focus(self) -> str:
        """Return the id of what has the focus."""
        return str(await self.page.evaluate(_FOCUS))

    async def reads(self, selector: str = "main") -> str:
        """Return what is read there, in one line."""
        return " ".join((await self.page.locator(selector).first.inner_text()).split())
