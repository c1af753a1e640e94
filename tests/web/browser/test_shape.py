"""What every page has in common: its head, its weight, its width, and nobody else's files."""

import gzip
from typing import Final

import pytest

from tests.web.browser.looking import Looker, opens
from tests.web.browser.places import MISSING, PUBLIC, SECRET, STAFF

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.anyio]

MOST_OF_A_PAGE: Final = 15 * 1024
MOST_IN_ALL: Final = 60 * 1024
_HEAD: Final = """() => ({
  lang: document.documentElement.lang,
  dir: document.documentElement.dir,
  title: document.title,
  h1: [...document.querySelectorAll("h1")].map(each => each.innerText.replace(/\\s+/g, " ").trim()),
  others: [...document.querySelectorAll("link[rel=alternate]")]
    .map(each => [each.hreflang, each.href]),
  ids: [...document.querySelectorAll("[id]")].map(each => each.id),
  main: document.querySelectorAll("main").length,
})"""
_TOO_WIDE: Final = """() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  return [...document.querySelectorAll("body *")]
    .filter(each => {
      const box = each.getBoundingClientRect();
      return box.right > page.clientWidth + 1 || box.left < -1;
    })
    .map(each => each.outerHTML.slice(0, 120));
}"""


@pytest.mark.parametrize("language", ["sv", "en", "ar"])
async def test_every_page_has_a_proper_head(looker: Looker, language: str) -> None:
    """One h1 that the title repeats, the language and its direction, the other languages."""
    wrong: list[str] = []
    async with looker.page() as page:
        for name, path in {**PUBLIC, **MISSING}.items():
            url = looker.lively.url(path, language)
            await opens(page, url, 404 if name in MISSING else 200)
            head = await page.evaluate(_HEAD)
            dir_ = "rtl" if language == "ar" else "ltr"
            others = [[each, looker.lively.url(path.partition("?")[0], each)] for each in
                      ("sv", "en", "ar")]  # fmt: skip
            is_secret = name in SECRET or name in MISSING
            faults = {
                "lang": (head["lang"], head["dir"]) != (language, dir_),
                "one h1": len(head["h1"]) != 1,
                "one main": head["main"] != 1,
                "title": [head["title"]] != [f"{each} – Andan" for each in head["h1"]],
                "other languages": head["others"] != ([] if is_secret else others),
                "ids twice": len(set(head["ids"])) != len(head["ids"]),
            }
            wrong += [f"{name}: {fault} {head}" for fault, is_so in faults.items() if is_so]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_the_first_tab_leads_to_the_text(looker: Looker, language: str) -> None:
    """The skip link is the first stop, is seen then, and Enter moves the focus into the text."""
    async with looker.page() as page:
        for path in ("/", "/events", "/rooms/{room_0}", "/reports/2022", "/e/{ballot}"):
            await opens(page, looker.lively.url(path, language))
            await page.keyboard.press("Tab")
            skip = page.locator("a.skip:focus")
            box = await skip.bounding_box()
            assert box is not None
            assert box["x"] >= 0, path
            assert box["y"] >= 0, path
            await page.keyboard.press("Enter")
            assert await page.evaluate("document.activeElement.id") == "main", path


@pytest.mark.parametrize("language", ["sv", "ar"])
async def test_no_page_scrolls_sideways_on_the_smallest_phone(
    looker: Looker, language: str
) -> None:
    """At 320 px, which is also 400 % of 1280, nothing sticks out: pages of the staff neither."""
    wrong: list[str] = []
    session = await looker.lively.session()
    pages = {**PUBLIC, **MISSING}
    for shown, token in ((pages, None), (STAFF if language == "sv" else {}, session)):
        async with looker.page(width=320, height=640, session=token) as page:
            for name, path in shown.items():
                await page.goto(looker.lively.url(path, language))
                wrong += [f"{name}: {each}" for each in (await page.evaluate(_TOO_WIDE))[:4]]
    assert not wrong, "\n".join(wrong)


async def test_a_page_weighs_little(looker: Looker) -> None:
    """At most 15 KB of page over the wire, 60 KB with its style, script and icon."""
    sizes: dict[str, int] = {}
    async with looker.page() as page:
        for name, path in PUBLIC.items():
            answer = await page.goto(looker.lively.url(path))
            assert answer is not None
            sizes[name] = len(gzip.compress(await answer.body(), 6))
            told = await answer.all_headers()
            assert told.get("content-encoding") == "gzip", name
        links = await page.evaluate(
            "[...document.querySelectorAll('link[rel=stylesheet], link[rel=icon], script')]"
            ".map(each => each.href || each.src)"
        )
        rest = 0
        for link in links:
            file = await page.request.get(link)
            assert file.ok, link
            rest += len(gzip.compress(await file.body(), 6))
    assert len(links) == 3
    heavy = {name: size for name, size in sizes.items() if size > MOST_OF_A_PAGE}
    assert not heavy, heavy
    assert max(sizes.values()) + rest <= MOST_IN_ALL


async def test_a_foreign_file_and_a_style_of_ones_own_are_noticed(looker: Looker) -> None:
    """What the tests here hold against a page is seen when it is planted."""
    async with looker.page(width=320) as page:
        await opens(page, looker.lively.url("/a11y"))
        await page.evaluate(
            """() => {
              const main = document.querySelector("main .wrap");
              main.innerHTML += '<p style="color:red">planted</p><h1>Second</h1>';
              const image = document.createElement("img");
              image.src = "http://127.0.0.1:9/planted.png";
              main.append(image);
              const wide = document.createElement("pre");
              wide.textContent = "wide";
              wide.style.width = "900px";
              main.append(wide);
            }"""
        )
        await page.wait_for_timeout(200)
        assert len((await page.evaluate(_HEAD))["h1"]) == 2
        assert await page.evaluate(_TOO_WIDE)
    assert any("Content Security Policy" in each for each in looker.complaints)
    assert any("style" in each for each in looker.complaints)
    looker.complaints.clear()
    looker.foreign.clear()
