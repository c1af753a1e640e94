"""Accessibility as axe sees it: every page, in each language, light and dark, wide and narrow."""

from typing import Any, Final

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # has none
from playwright.async_api import Page

from tests.web.browser.looking import Looker, opens
from tests.web.browser.places import MISSING, PUBLIC, STAFF, WRONG, WRONG_BY_ADDRESS

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.anyio]

SIZES: Final = ((1280, 900), (390, 844))
LOOKED_AT: Final = {
    ("color-contrast", "contains an image node", "svg text"): (
        "Labels of a chart, in ink or muted on paper with a halo of paper: 14.3 and 6.8 to 1 in "
        "light, 15.8 and 9.2 in dark; their colours come from the tokens that test_style holds."
    ),
    ("color-contrast", "partially obscured", ".scroll caption"): (
        "The caption of a table that is wider than its scroll region is as wide as the table and "
        "never wholly in view; it has the ink of the page, and is judged where the table fits."
    ),
    ("color-contrast", "too short to determine", "time, .number, svg text"): (
        "A number of one digit, in the colour of its neighbours of two digits, which are judged."
    ),
    ("frame-tested", "The iframe still has to be tested", "iframe[sandbox='']"): (
        "A letter as its reader gets it, in a frame in which no script runs, axe's neither."
    ),
}
"""What axe cannot judge, by rule, part of its message and selector, and why it is right."""
_RUN: Final = (
    "options => axe.run(document, {resultTypes: ['violations', 'incomplete'], ...options})"
)
_COLOURS: Final = {"runOnly": ["color-contrast", "link-in-text-block", "target-size"]}
"""The rules that see a difference between light and dark."""
_ALONE: Final = """async target => {
  document.querySelector(target).scrollIntoView({block: "center", inline: "center"});
  const told = await axe.run(target, {runOnly: ["color-contrast"]});
  return told.violations.length + told.incomplete.length === 0;
}"""
"""Judges what stood outside of its scroll region, once it is scrolled to."""


async def _run(page: Page, where: str, options: dict[str, Any]) -> list[str]:
    """Return a line for each node that is wrong, or that nobody has looked at."""
    results: dict[str, Any] = await page.evaluate(_RUN, options)
    told = []
    for kind in ("violations", "incomplete"):
        for rule in results[kind]:
            for node in rule["nodes"]:
                why = [each["message"] for each in (*node["any"], *node["all"], *node["none"])]
                if kind == "incomplete" and await _is_known(page, rule["id"], why, node["target"]):
                    continue
                told.append(f"{where}: {kind} {rule['id']} {node['html'][:160]} {why}")
    return told


async def _is_known(page: Page, rule: str, why: list[str], target: list[str]) -> bool:
    for known, message, selector in LOOKED_AT:
        if rule == known and any(message in each for each in why):
            found = "([target, selector]) => document.querySelector(target).matches(selector)"
            if len(target) == 1 and await page.evaluate(found, [target[0], selector]):
                return True
    if any("partially obscured" in each for each in why) and len(target) == 1:
        return bool(await page.evaluate(_ALONE, target[0]))
    return False


async def _judged(page: Page, where: str, *, both: bool = True) -> list[str]:
    """Judge the page that is open, in each size and colour; or as it is."""
    await page.evaluate(AXE_SCRIPT)
    if not both:
        return await _run(page, where, {})
    told = []
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            options = _COLOURS if scheme == "dark" else {}
            told += await _run(page, f"{where}, {scheme}, {width}", options)
    return told


@pytest.mark.parametrize("language", ["sv", "en", "ar"])
async def test_no_public_page_keeps_anybody_out(looker: Looker, language: str) -> None:
    """All public pages, also those of what is not there: no violation in any size or colour."""
    told: list[str] = []
    async with looker.page() as page:
        for name, path in PUBLIC.items():
            await opens(page, looker.lively.url(path, language))
            told += await _judged(page, f"{name}, {language}")
        for name, path in MISSING.items():
            await opens(page, looker.lively.url(path, language), 404)
            told += await _judged(page, f"{name}, {language}")
    assert not told, "\n".join(told)


@pytest.mark.parametrize("language", ["sv", "ar"])
async def test_no_form_with_a_fault_keeps_anybody_out(looker: Looker, language: str) -> None:
    """The same holds where something was typed wrongly."""
    told: list[str] = []
    async with looker.page() as page:
        for name, (path, send) in WRONG.items():
            await opens(page, looker.lively.url(path, language))
            await send(page)
            assert await page.locator("#errors").count() == 1, name
            told += await _judged(page, f"{name}, {language}")
        for name, path in WRONG_BY_ADDRESS.items():
            await opens(page, looker.lively.url(path, language), 422)
            told += await _judged(page, f"{name}, {language}")
    assert not told, "\n".join(told)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
async def test_no_page_of_the_staff_keeps_anybody_out(
    looker: Looker, width: int, dark: bool
) -> None:
    """Desk, door and operation, and a letter of the rehearsal."""
    told: list[str] = []
    session = await looker.lively.session()
    async with looker.page(session=session, width=width, dark=dark) as page:
        for name, path in STAFF.items():
            await opens(page, looker.lively.url(path))
            told += await _judged(page, name, both=False)
        await opens(page, looker.lively.url("/ops/mail"))
        await page.locator("main a[href*='/ops/mail/']").first.click()
        told += await _judged(page, "letter", both=False)
    assert not told, "\n".join(told)


async def test_faults_that_are_planted_are_found(looker: Looker) -> None:
    """An image without words, grey on grey and a field without a label do not pass."""
    async with looker.page() as page:
        await opens(page, looker.lively.url("/a11y"))
        await page.evaluate(
            """() => {
              const main = document.querySelector("main .wrap");
              const image = document.createElement("img");
              image.src = document.querySelector("link[rel=icon]").href;
              const grey = document.createElement("p");
              grey.textContent = "grey";
              grey.style.color = "rgb(190,190,190)";
              main.append(image, grey, document.createElement("input"));
            }"""
        )
        told = " ".join(await _judged(page, "planted", both=False))
    for rule in ("image-alt", "color-contrast", "label"):
        assert f"violations {rule} " in told
