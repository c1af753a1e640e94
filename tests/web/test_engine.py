"""What every page carries and keeps to: languages, headers, assets, errors, limits, logs."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx2
import pytest
from fastapi import FastAPI

from services.gateway.app import Gateway
from services.gateway.problem_page import POLICY
from services.gateway.upstreams import InProcess
from services.settings import ProcessSettings
from services.topology import whole_house
from services.web.words import Language
from shared.http.problems import Unavailable
from shared.security.inner import HEADER, VISITOR, InnerKey
from shared.security.principal import Principal
from tests.web.house import Opened, Visitor
from tests.web.started import SOURCE

pytestmark = pytest.mark.anyio


def pages_of(house: Opened) -> FastAPI:
    """Return the app of the pages that the house's gateway passes requests on to."""
    gateway = house.house.front
    assert isinstance(gateway, Gateway)
    pages = gateway.upstreams["web"]
    assert isinstance(pages, InProcess)
    return pages._service.app


PLAIN = ["/", "/events", "/mine", "/privacy", "/a11y", "/data"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "sv"),
        ("en-GB,en;q=0.9", "en"),
        ("ar", "ar"),
        ("de, fr;q=0.9", "sv"),
        ("en;q=0.2, ar-SY;q=0.7", "ar"),
        ("en;q=x, sv;q=0", "sv"),
        ("," * 2000, "sv"),
    ],
)
async def test_the_root_leads_to_the_language_wanted_most(
    house: Opened, accepted: str, language: str
) -> None:
    """`/` goes by Accept-Language among ours; Swedish where that says nothing."""
    answer = await house.visitor().get("/", **{"accept-language": accepted})
    assert answer.status_code == 307
    assert answer.headers["location"] == f"/{language}/"
    assert "Accept-Language" in answer.headers["vary"]


@pytest.mark.parametrize("language", ["sv", "en", "ar"])
@pytest.mark.parametrize("path", PLAIN)
async def test_a_page_is_whole_in_each_language(house: Opened, path: str, language: str) -> None:
    """One h1, the language and its direction, a title, a skip link, the other languages."""
    answer = await house.visitor().get(f"/{language}{path}")
    assert answer.status_code == 200
    html = answer.text
    direction = "rtl" if language == "ar" else "ltr"
    assert f'<html lang="{language}" dir="{direction}">' in html
    assert html.count("<h1") == 1
    assert 'class="skip" href="#main"' in html
    assert " – Andan</title>" in html
    for other in ("sv", "en", "ar"):
        assert f'hreflang="{other}" href="/{other}{path}"' in html
    assert answer.headers["content-language"] == language


@pytest.mark.parametrize("path", ["/sv/", "/sv/r/link_x.y", "/sv/nothing", "/sv/mine"])
async def test_the_policy_is_strict_everywhere(house: Opened, path: str) -> None:
    """No page, found or not, may load, frame or send anything elsewhere."""
    headers = (await house.visitor().get(path)).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/r/link_x.y", "/r/link_x.y/change", "/u/link_x.y"])
async def test_a_page_behind_a_secret_address_is_kept_nowhere(house: Opened, path: str) -> None:
    """It is not indexed, not stored, and names no address of itself in other languages' links."""
    answer = await house.visitor().get(f"/sv{path}")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert '<meta name="robots" content="noindex">' in answer.text
    assert 'rel="alternate"' not in answer.text


async def test_a_page_without_a_form_sets_no_cookie(house: Opened) -> None:
    """Whoever only reads is given nothing to carry; a form's cookie no script can read."""
    visitor = house.visitor()
    for path in ("/sv/", "/sv/events", "/sv/data"):
        assert "set-cookie" not in (await visitor.get(path)).headers
    cookie = (await visitor.get("/sv/mine")).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "set-cookie" not in (await visitor.get("/sv/mine")).headers


async def test_assets_are_named_by_their_content_and_kept(house: Opened) -> None:
    """Each address a page loads answers, may be kept for ever, and differs by its content."""
    visitor = house.visitor()
    html = (await visitor.get("/sv/")).text
    found = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', html))
    assert {path.rpartition(".")[2] for path in found} == {"css", "js", "svg"}
    for path in found:
        assert re.fullmatch(r"/assets/\w+\.[0-9a-f]{12}\.\w+", path)
        answer = await visitor.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        old = await visitor.get(re.sub(r"\.[0-9a-f]{12}\.", ".000000000000.", path))
        assert old.content == answer.content
        assert old.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["/assets/nothing.css", "/assets/../app.py", "/assets/", "/assets/%2e%2e/settings.py"],
)
async def test_nothing_but_assets_is_an_asset(house: Opened, path: str) -> None:
    """No file beside the assets can be asked for."""
    assert (await house.visitor().get(path)).status_code == 404


async def test_the_icon_has_an_address_of_its_own(house: Opened) -> None:
    """`/favicon.ico` is an icon, not a language."""
    answer = await house.visitor().get("/favicon.ico")
    assert answer.headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(
    "path", ["/sv/nothing", "/en/events/", "/ar/rooms/x/y/z", "/sv//", "/sv/a//b"]
)
async def test_a_missing_page_offers_the_calendar_and_the_rooms(house: Opened, path: str) -> None:
    """A 404 is a page in the language of its address, with two ways on."""
    answer = await house.visitor().http.get(path)
    language = path[1:3]
    assert answer.status_code == 404
    assert f'href="/{language}/events"' in answer.text
    assert f'href="/{language}/rooms"' in answer.text


@pytest.mark.parametrize("path", ["/xx/", "/de/events", "/svenska", "/wp-login.php"])
async def test_what_is_no_language_is_no_page(house: Opened, path: str) -> None:
    """Other first words are not taken for a language."""
    answer = await house.visitor().get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/events", "/wp-login.php", "/problems/nothing"])
async def test_a_reader_who_is_lost_gets_a_page(house: Opened, path: str) -> None:
    """A browser at an address that is nobody's is led back; a program is told in its own way."""
    visitor = house.visitor()
    answer = await visitor.get(path, **{"accept": "text/html", "accept-language": "en"})
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert 'href="/en/events"' in answer.text
    program = await visitor.get(path, accept="application/json")
    assert program.headers["content-type"] == "application/problem+json"


async def test_a_wrong_method_is_told_in_a_page(house: Opened) -> None:
    """DELETE on a page is a 405 that a person can read."""
    answer = await house.visitor().http.delete("/sv/events")
    assert answer.status_code == 405
    assert "Sidan går inte att nå på det sättet" in answer.text


async def test_head_answers_like_get_without_a_body(house: Opened) -> None:
    """HEAD has the status and headers of GET."""
    visitor = house.visitor()
    head, get = await visitor.http.head("/sv/events"), await visitor.get("/sv/events")
    assert head.status_code == get.status_code == 200
    assert head.headers["content-type"] == get.headers["content-type"]


async def test_pages_travel_compressed(house: Opened) -> None:
    """A browser that takes gzip gets it, and a cache is told that it matters."""
    visitor = house.visitor()
    answer = await visitor.get("/sv/", **{"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["vary"]
    plain = await visitor.get("/sv/", **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


async def test_pages_are_not_in_the_document_of_the_interface(house: Opened) -> None:
    """OpenAPI tells of the API alone."""
    paths = (await house.admin.get("/openapi.json")).json()["paths"]
    assert paths
    assert not [path for path in paths if not path.startswith(("/v1/", "/problems"))]


async def test_a_report_is_a_page_for_a_reader_and_json_for_a_program(house: Opened) -> None:
    """The same address answers by what is accepted."""
    visitor = house.visitor()
    page = await visitor.get("/v1/years/2023/report", accept="text/html,*/*;q=0.8")
    assert page.headers["content-type"].startswith("text/html")
    assert '<html lang="sv"' in page.text
    assert "Accept, Accept-Language" in page.headers["vary"]
    spoken = {"accept": "text/html", "accept-language": "ar, en;q=0.5"}
    arabic = await visitor.get("/v1/years/2023/report", **spoken)
    assert '<html lang="ar" dir="rtl"' in arabic.text
    data = await visitor.get("/v1/years/2023/report", accept="application/json")
    assert data.headers["content-type"] == "application/json"


async def test_the_log_and_the_metrics_hold_templates_and_no_token(
    house: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    """A personal link leaves nothing of itself behind: not found, wrong method, malformed."""
    visitor = house.visitor()
    secret = "link_SECRETSECRET.SECRETSECRET"
    for path in (f"/sv/r/{secret}", f"/sv/r/{secret}/change", f"/sv/u/{secret}"):
        await visitor.get(path)
        await visitor.http.delete(path)
        await visitor.http.post(path, content=b"x" * 1_100_000)
    told = capsys.readouterr()
    metrics = (await visitor.get("/metrics")).text
    assert "SECRETSECRET" not in told.out + told.err + metrics
    assert "/{lang}/r/{token}" in metrics


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test can reach."""
    monkeypatch.setenv("ANDAN_RATE_PAGE_A_MINUTE", "6")
    monkeypatch.setenv("ANDAN_RATE_PUBLIC_A_MINUTE", "3")


async def test_a_page_counts_once_and_too_many_are_told_in_a_page(
    tight: None, tmp_path: Path
) -> None:
    """What a page asks the API for is not counted again; past the limit the answer is a page."""
    house = whole_house(ProcessSettings(data=tmp_path, source=SOURCE))
    await house.start()
    try:
        transport = httpx2.ASGITransport(app=house.front.app)
        async with httpx2.AsyncClient(transport=transport, base_url=SOURCE) as browser:
            for _ in range(6):
                assert (await browser.get("/sv/")).status_code == 200
            refused = await browser.get("/sv/")
            assert refused.status_code == 429
            assert refused.headers["retry-after"]
            assert "Det gick lite för fort" in refused.text
            for _ in range(3):
                assert (await browser.get("/v1/rooms")).status_code == 200
            assert (await browser.get("/v1/rooms")).status_code == 429
            forged = InnerKey(b"f" * 32).mint(Principal(kind="key", id="web"))
            for claim in ({VISITOR: "web"}, {VISITOR: forged}, {HEADER: forged}):
                assert (await browser.get("/v1/rooms", headers=claim)).status_code == 429
    finally:
        await house.stop()


async def test_wrong_links_on_pages_shut_nobody_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All visitors come through the pages: one's guesses count as his pages, not as everybody's."""
    monkeypatch.setenv("ANDAN_RATE_PUBLIC_A_MINUTE", "2")
    house = whole_house(ProcessSettings(data=tmp_path, source=SOURCE))
    await house.start()
    try:
        for address in ["192.0.2.1"] * 4 + ["198.51.100.1"]:
            visitor = Visitor(house.front.app, address=address)
            answer = await visitor.send(await visitor.get(f"/sv/sign-in/{'x' * 43}"))
            assert answer.status_code == 404
    finally:
        await house.stop()


async def test_without_the_pages_a_reader_still_gets_a_sentence(house: Opened) -> None:
    """Where the pages' own process is away, the gateway tells it in a plain page of its own."""
    app = pages_of(house)
    middleware, app.middleware_stack = app.middleware_stack, _away
    try:
        answer = await house.visitor().get("/sv/events")
    finally:
        app.middleware_stack = middleware
    assert answer.status_code == 503
    assert answer.headers["content-security-policy"] == POLICY
    assert "En del som behövs är inte tillgänglig just nu" in answer.text


async def _away(*_: object) -> None:
    raise Unavailable("The service web does not answer.", reasons=["web"])


async def test_every_page_is_light(house: Opened) -> None:
    """HTML with stylesheet, script and icon stays under 60 KB compressed, HTML alone under 15."""
    visitor = house.visitor()
    weights = {}
    for language in ("sv", "ar"):
        paths = [*PLAIN, "/events?view=month", f"/events/{house.events['dialogue']['id']}"]
        for path in [*paths, "/rooms", f"/rooms/{house.rooms[0]['id']}", "/reports/2023"]:
            html = (await visitor.get(f"/{language}{path}")).content
            weights[language, path] = len(gzip.compress(html, 6))
    assert max(weights.values()) <= 15_000, weights
    sources = re.findall(r'(?:href|src)="(/assets/[^"]+)"', (await visitor.get("/sv/")).text)
    loaded = 0
    for path in set(sources):
        loaded += len(gzip.compress((await visitor.get(path)).content, 6))
    assert loaded + max(weights.values()) <= 25_000


async def test_a_page_is_rendered_quickly(
    house: Opened, record_property: Callable[[str, object], None]
) -> None:
    """A template takes a millisecond or two; how long exactly goes into the report of the run."""
    rendering = pages_of(house).state.house.rendering
    for template in ("registrations/erased.html", "mishaps/foreign.html", "about/privacy.html"):
        values = {"path": "/x", "private": True, "signed_in": None, "errors": {}, "values": {}}
        took = []
        for _ in range(30):
            began = perf_counter()
            rendering.render(Language.ARABIC, template, **values)
            took.append((perf_counter() - began) * 1_000)
        record_property(f"render {template}", f"{median(took):.2f} ms")
        assert median(took) < 20
