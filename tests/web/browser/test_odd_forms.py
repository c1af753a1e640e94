"""Forms that come late, twice, from elsewhere, without their token, or much too long."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape

import pytest
from playwright.async_api import Page

from services.web.forms import COOKIE, LIFETIME_SECONDS, TOKEN, hidden_fields
from shared.testing.ports import free_port
from tests.web.browser.keys import Keys
from tests.web.browser.lively import Lively
from tests.web.browser.looking import Looker, opens

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.anyio]

TYPED = {"name": 'Åsa "<b>" Öberg', "email": "asa@example.org"}
_REGISTER = "section[aria-labelledby=register] button.button"
_TOO_LONG = {
    "sv": "Korta texten till 4 000 tecken; den har 100 000",
    "en": "Shorten the text to 4,000 characters; it has 100,000",
    "ar": "اختصر النص إلى 4 000 حرف؛ فيه 100 000",
}


async def _fills(page: Page, it: Lively, language: str, email: str) -> None:
    await opens(page, it.url("/events/{open}", language))
    await page.fill("#name", TYPED["name"])
    await page.fill("#email", email)
    await page.select_option("#sector", "association")


async def _sends(page: Page, button: str = _REGISTER) -> str:
    async with page.expect_navigation():
        await page.locator(button).first.click()
    return await Keys(page).reads("h1")


async def _registered(it: Lively) -> int:
    found = await it.does("GET", "/v1/events/{open}/registrations?limit=100")
    return len(found["items"])


@pytest.mark.parametrize(
    ("language", "heading"),
    [
        ("sv", "Sidan var öppen länge"),
        ("en", "The page was open for a long time"),
        ("ar", "بقيت الصفحة مفتوحة طويلًا"),
    ],
)
async def test_a_tab_left_open_over_night_loses_nothing(
    looker: Looker, language: str, heading: str
) -> None:
    """Thirteen hours later one button sends all that was typed."""
    it = looker.lively
    async with looker.page() as page:
        await _fills(page, it, language, f"night-{language}@example.org")
        cookies = await page.context.cookies()
        cookie = next(each["value"] for each in cookies if each["name"] == COOKIE)
        evening = time.time() - LIFETIME_SECONDS - 3_600
        old = re.search(r'value="([^"]+)"', hidden_fields(cookie, seconds=lambda: evening))
        assert old is not None
        await page.evaluate(
            "([name, value]) => document.querySelectorAll(`input[name=${name}]`)"
            ".forEach(each => { each.value = value })",
            [TOKEN, old[1]],
        )
        before = await _registered(it)
        assert await _sends(page) == heading
        assert await page.input_value("input[name=name]") == TYPED["name"]
        assert await _registered(it) == before
        await _sends(page, "main form button")
        assert await Keys(page).focus() == "done"
        assert await _registered(it) == before + 1


async def test_a_form_without_its_token_loses_nothing(looker: Looker) -> None:
    """The same page as over night: nothing is done, all is kept, one button sends it."""
    it = looker.lively
    async with looker.page() as page:
        await _fills(page, it, "sv", "token@example.org")
        await page.evaluate("name => document.querySelectorAll(`[name=${name}]`)"
                            ".forEach(each => each.remove())", TOKEN)  # fmt: skip
        before = await _registered(it)
        assert await _sends(page) == "Sidan var öppen länge"
        await _sends(page, "main form button")
        assert await Keys(page).focus() == "done"
        assert await _registered(it) == before + 1


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
async def test_a_button_pressed_twice_is_one_registration(looker: Looker, script: bool) -> None:
    """A double click, and the whole form once more from the history, have one effect."""
    it = looker.lively
    async with looker.page(script=script) as page:
        await _fills(page, it, "sv", f"twice-{script}@example.org".lower())
        before = await _registered(it)
        async with page.expect_navigation(url=re.compile("/registered")):
            await page.locator(_REGISTER).dblclick()
        await page.wait_for_load_state()
        await page.go_back()
        if await page.input_value("#name") == TYPED["name"]:
            await page.locator(_REGISTER).click()
            await page.wait_for_load_state()
        assert await _registered(it) == before + 1


@asynccontextmanager
async def _another_site(html: str) -> AsyncIterator[str]:
    """Serve a page on another port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = html.encode()
        head = ("HTTP/1.1 200 OK", "content-type: text/html; charset=utf-8", "connection: close")
        writer.write("\r\n".join((*head, "", "")).encode() + body)
        await writer.drain()
        writer.close()

    port = free_port()
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        yield f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize(
    ("host", "language", "heading"),
    [
        ("127.0.0.1", "sv", "Formuläret kom från en annan webbplats"),
        ("localhost", "en", "This form came from another site"),
    ],
)
async def test_a_form_of_another_site_does_nothing(
    looker: Looker, host: str, language: str, heading: str
) -> None:
    """Another port or name posts a form to us from the browser of somebody we know."""
    it = looker.lively
    async with looker.page() as page:
        await _fills(page, it, language, "mine@example.org")
        token = await page.input_value("input[name=_form]")
        fields = {"name": "Mallory", "email": "mallory@example.org", "sector": "association"}
        inputs = "".join(
            f'<input name="{name}" value="{escape(value)}">'
            for name, value in {**fields, "_form": token, "_key": "k"}.items()
        )
        action = it.url("/events/{open}", language)
        html = f"<form method=post action='{action}'>{inputs}<button>Win</button></form>"
        before = await _registered(it)
        async with _another_site(html) as address:
            await page.goto(address.replace("127.0.0.1", host))
            async with page.expect_navigation():
                await page.get_by_role("button").click()
            assert await Keys(page).reads("h1") == heading
            assert "Mallory" not in await page.content()
        assert await _registered(it) == before
    assert all("favicon" in each or host in each for each in looker.foreign)
    looker.foreign.clear()
    looker.complaints.clear()


@pytest.mark.parametrize("language", ["sv", "en", "ar"])
async def test_words_of_a_hundred_thousand_characters_are_kept(
    looker: Looker, language: str
) -> None:
    """Too long, in any script and with markup: the form says how long it may be, with the text."""
    it = looker.lively
    words = ('<b>مرحبا</b> 𝔸 "Malmö" & 040-12 34 56 ' * 4_000)[:100_000]
    async with looker.page() as page:
        await opens(page, it.url("/e/{ballot}", language))
        await page.evaluate(
            "words => { const area = document.querySelector('#words');"
            " area.removeAttribute('maxlength'); area.value = words; }",
            words,
        )
        await page.locator("#rating-4").check(force=True)
        await _sends(page, "main form button")
        assert await Keys(page).focus() == "errors"
        assert _TOO_LONG[language] in await Keys(page).reads("#errors")
        assert (await page.input_value("#words")) == words
        assert await page.locator("#rating-4").is_checked()


async def test_a_name_of_a_hundred_thousand_characters_is_kept(looker: Looker) -> None:
    """A field that was never meant for that says so, and shows what was typed."""
    it = looker.lively
    name = "Åsa " * 25_000
    async with looker.page() as page:
        await _fills(page, it, "sv", "long@example.org")
        await page.evaluate(
            "name => { const field = document.querySelector('#name');"
            " field.removeAttribute('maxlength'); field.value = name; }",
            name,
        )
        before = await _registered(it)
        await _sends(page)
        kept = page.locator("main textarea[readonly], main #name").first
        assert (await kept.input_value()).strip() == name.strip()
        assert await _registered(it) == before
