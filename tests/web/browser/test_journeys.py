"""The journeys by keyboard alone, with scripts and without: nobody needs a mouse or JavaScript."""

import pytest
from playwright.async_api import Page

from tests.web.browser.keys import Keys
from tests.web.browser.lively import VISITORS
from tests.web.browser.looking import Looker, opens

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.anyio,
    pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"]),
]


async def _follows_the_first_fault(keys: Keys, field: str) -> None:
    """The focus is on the summary; its first link leads into the field."""
    assert await keys.focus() == "errors"
    await keys.to("#errors a")
    await keys.page.keyboard.press("Enter")
    assert await keys.focus() == field


async def test_somebody_signs_in_finds_a_room_and_books_it(looker: Looker, script: bool) -> None:
    """From the one-time link over the first page to the receipt, with a fault on the way."""
    it = looker.lively
    async with looker.page(script=script) as page:
        keys = Keys(page)
        await opens(page, it.url(f"/sign-in/{await it.sign_in_link()}"))
        await keys.enters("main button")
        assert page.url.startswith(it.url("/desk"))
        await opens(page, it.url("/"))
        await keys.types("#people", "9")
        assert await keys.chooses("#to") == "19:30"
        await keys.enters("section[aria-labelledby=find] button")
        assert "lediga" in await keys.reads("h2")
        await keys.enters(".rows a.button")
        assert (await keys.reads("h1")).startswith("Boka ")
        assert "17.00–19.30" in await keys.reads(".lead")
        await keys.chooses("#organisation_id")
        await keys.types("#people", "8")
        await keys.enters("main form[method=post] button:not([tabindex])")
        await _follows_the_first_fault(keys, "purpose")
        assert await page.input_value("#people") == "8"
        await keys.types("#purpose", "Körövning")
        await keys.enters("main form[method=post] button:not([tabindex])")
        assert await keys.focus() == "done"
        assert "Rummet är bokat" in await keys.reads("#done")


async def test_somebody_registers_confirms_and_cancels(looker: Looker, script: bool) -> None:
    """A fault, a letter with a link, a place with a code, and the place given back."""
    it = looker.lively
    address = f"keyboard-{script}@example.org".lower()
    async with looker.page(script=script, width=390) as page:
        keys = Keys(page)
        await opens(page, it.url("/events"))
        await keys.enters(f"main a[href$='{it.things['open']}']")
        await keys.types("#name", "Åsa Öberg")
        await keys.enters("section[aria-labelledby=register] button.button")
        await _follows_the_first_fault(keys, "email")
        assert await page.input_value("#name") == "Åsa Öberg"
        await keys.types("#email", address)
        await keys.chooses("#sector")
        await keys.to("details > summary")
        await page.keyboard.press("Enter")
        await keys.ticks("input[name=need][value=step-free]")
        await keys.enters("section[aria-labelledby=register] button.button")
        assert await keys.focus() == "done"
        assert page.url.startswith(it.url("/events/{open}/registered"))
        await opens(page, it.url(f"/r/{await it.link_to(address)}"))
        await keys.enters("main form button")
        assert await keys.focus() == "done"
        assert await page.locator("figure.qr svg").count() == 1
        await keys.enters("main a[href$='/change']")
        await keys.enters("button[value=cancel]")
        assert await keys.focus() == "done"
        assert await page.locator("figure.qr").count() == 0
    registrations = await it.does("GET", "/v1/events/{open}/registrations?limit=100")
    assert "cancelled" in {each["status"] for each in registrations["items"]}


async def test_somebody_evaluates_by_the_link_of_the_mail(looker: Looker, script: bool) -> None:
    """A rating with the arrow keys, words, consent; the link then counts no more."""
    it = looker.lively
    await it.settles()
    name = VISITORS[int(script)]
    token = it.mailbox.ballot(f"{name}@example.org", it.things["survey"])
    async with looker.page(script=script, width=390) as page:
        keys = Keys(page)
        await opens(page, it.url(f"/e/{token}"))
        await keys.types("#words", "Vi ses igen.")
        await keys.enters("main form button")
        await _follows_the_first_fault(keys, "rating")
        assert await page.input_value("#words") == "Vi ses igen."
        for _ in range(3):
            await page.keyboard.press("ArrowRight")
        assert await page.locator("input[name=rating]:checked").get_attribute("value") == "4"
        await keys.ticks("#may_quote")
        await keys.enters("main form button")
        assert await keys.focus() == "done"
        assert "Tack" in await keys.reads()
        await opens(page, it.url(f"/e/{token}"))
        await keys.to("input[name=rating]")
        await page.keyboard.press("Space")
        await keys.enters("main form button")
        assert "Länken är använd" in await keys.reads("h1")


async def test_a_host_checks_in_at_the_door(looker: Looker, script: bool) -> None:
    """The cursor waits in the field; a name, Enter, the person is in; undone again."""
    it = looker.lively
    async with looker.page(script=script, width=390, session=await it.session()) as page:
        keys = Keys(page)
        await opens(page, it.url("/door/{door}"))
        assert await keys.focus() == "who"
        await page.keyboard.type("Ami")
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        assert "Amina Ali" in await keys.reads("section[aria-labelledby=hits]")
        await keys.enters("section[aria-labelledby=hits] button")
        assert await keys.focus() == "who"
        assert "Amina Ali" in await keys.reads("#told")
        assert await page.input_value("#who") == ""
        await keys.enters("form[action*='/out/'] button")
        assert await keys.focus() == "who"
        assert (await keys.reads("#told")) != ""
        await keys.enters("button[value=more]")
        await keys.enters("button[value=fewer]")


async def test_somebody_reads_the_report_and_opens_a_figure(looker: Looker, script: bool) -> None:
    """From the list of years to the report, and behind a number to how it was counted."""
    it = looker.lively
    async with looker.page(script=script) as page:
        keys = Keys(page)
        await opens(page, it.url("/"))
        await keys.enters("header a[href$='/reports']")
        await keys.enters("main a[href$='/reports/2022']")
        assert await keys.reads("h1") == "Årsrapport 2022"
        await keys.to("details > summary")
        await page.keyboard.press("Enter")
        assert await page.locator("details[open]").count() == 1
        await opens(page, page.url)
        await keys.enters("dl a")
        assert "/figures/2022/" in page.url
        assert await page.locator("h1").count() == 1
        assert "SHA-256" in await keys.reads() or await page.locator("code").count() > 0


async def test_somebody_takes_a_free_time_out_of_a_rooms_week(looker: Looker, script: bool) -> None:
    """The week is reached over its skip link or through it: one stop for each free time."""
    it = looker.lively
    async with looker.page(script=script) as page:
        keys = Keys(page)
        await opens(page, it.url("/rooms/{room_0}?week=2023-W42"))
        await keys.to("a[href='#after-week']")
        await page.keyboard.press("Enter")
        assert await keys.focus() == "after-week"
        await opens(page, page.url.partition("#")[0])
        stops = await page.locator(".week a").count()
        assert 7 <= stops <= 40
        name = await page.locator(".week a").first.get_attribute("aria-label")
        assert name is not None
        assert "oktober" in name
        await keys.enters(".week a")
        assert "/book?day=2023-10-16" in page.url
        await _is_a_page(page)


async def _is_a_page(page: Page) -> None:
    assert await page.locator("h1").count() == 1
