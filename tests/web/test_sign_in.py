"""Signing in by a link that works once, and what a page says to whom it is not for."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.browsing import START, City, city
from tests.web.house import posting
from tests.web.started import SOURCE, client_of, sign_in_token, started

pytestmark = pytest.mark.anyio


async def test_a_link_signs_in_once(it: City) -> None:
    """Opening it does nothing, its button signs in, and after that it says how to get another."""
    link = await it.link()
    for _ in range(3):  # a mail scanner, a preview, the person
        page = await it.browser().open(link)
        assert page.status == 200
    assert page.answer.headers["cache-control"] == "no-store"
    assert page.answer.headers["referrer-policy"] == "no-referrer"
    mine, other = it.browser(), it.browser()
    page = await mine.press(await mine.open(link), "Sign in")
    assert (page.status, page.url) == (200, "/en/desk#main")
    late = await other.press(await other.open(link), "Sign in")
    assert late.status == 404
    assert "python -m services sign-in" in late.text
    assert (await other.open("/en/desk")).status == 401


async def test_a_double_click_signs_in(it: City) -> None:
    """The same form sent twice is one session, and both answers hold it."""
    browser = it.browser()
    page = await browser.open(await it.link())
    first = await browser.press(page, "Sign in")
    cookie = browser.http.cookies["andan_session"]
    again = await browser.press(page, "Sign in")
    assert (first.status, again.status) == (200, 200)
    assert browser.http.cookies["andan_session"] == cookie


async def test_the_cookie_is_out_of_reach(it: City) -> None:
    """No script reads it, no other site sends it, and it ends with the session."""
    browser = it.browser()
    page = await browser.open(await it.link())
    sheet = page.sheet("Sign in")
    answer = await browser.http.post(
        sheet.action.partition("#")[0],
        data=dict(sheet.fields),
        headers={"origin": SOURCE},
    )
    told = [each for each in answer.headers.get_list("set-cookie") if "session_" in each]
    assert len(told) == 1
    flags = told[0].lower()
    assert "httponly" in flags
    assert "samesite=lax" in flags
    assert "max-age=43200" in flags


async def test_over_tls_no_neighbouring_host_plants_a_cookie(tmp_path: Path) -> None:
    """Where people come over TLS the cookies are bound to this very host, and only those count."""
    async with (
        started(tmp_path, START, "https://andan.example") as (house, _),
        client_of(house) as client,
    ):
        page = await client.get(f"/en/sign-in/{await sign_in_token(house, 'events:admin')}")
        mark = page.headers["set-cookie"].partition(";")[0]
        form = posting(page.text)
        told_of = {"cookie": mark, "origin": SOURCE}
        address = form.action.partition("#")[0]
        answer = await client.post(address, data=form.fields, headers=told_of)
        for told in (page.headers["set-cookie"], answer.headers["set-cookie"]):
            assert told.startswith("__Host-andan_")
            assert {"secure", "path=/"} <= {each.strip().lower() for each in told.split(";")}
            assert "domain" not in told.lower()
        session = answer.headers["set-cookie"].partition(";")[0]
        planted = session.removeprefix("__Host-")
        assert (await client.get("/en/desk", headers={"cookie": session})).status_code == 200
        assert (await client.get("/en/desk", headers={"cookie": planted})).status_code == 401


async def test_signing_out(it: City) -> None:
    """The session counts no more, also for who kept its cookie."""
    browser = await it.staff()
    kept = browser.http.cookies["andan_session"]
    page = await browser.press(await browser.open("/en/desk"), "Sign out")
    assert "You are signed out" in page.text
    assert "andan_session" not in browser.http.cookies
    thief = it.browser()
    thief.http.cookies.set("andan_session", kept)
    assert (await thief.open("/en/desk")).status == 401


async def test_a_session_ends_after_twelve_hours(tmp_path: Path) -> None:
    """A page says then how to sign in again, and the browser forgets the session."""
    async with city(tmp_path) as it:
        browser = await it.staff()
        assert (await browser.open("/en/desk")).status == 200
        await it.move(START + timedelta(hours=12))
        page = await browser.open("/en/desk")
        assert page.status == 401
        assert "How to get a link" in page.text
        assert "andan_session" not in browser.http.cookies


async def test_a_tab_left_open_over_night(tmp_path: Path) -> None:
    """What is sent after the session's end is not lost: signed in again, one button sends it."""
    async with city(tmp_path) as it:
        browser = await it.staff()
        page = await browser.open("/en/desk/orgs")
        await it.move(START + timedelta(hours=13))
        late = await browser.press(page, "Add", {"name": "Nattklubben", "kind": "company"})
        assert late.status == 401
        assert "nothing was sent" in late.text
        assert (await it.admin.get("/v1/organisations")).json()["items"] == []
        await browser.press(await browser.open(await it.link()), "Sign in")
        done = await browser.press(late, "Send now")
        assert "Nattklubben is registered" in done.text


async def test_a_session_without_a_scope(it: City) -> None:
    """A page says which scope is missing; the menu leads only where the session may go."""
    browser = await it.staff("booking:read")
    desk = await browser.open("/en/desk")
    assert "/en/desk/today" in desk.html
    assert "/en/desk/events" not in desk.html
    for path, scope in (
        ("/en/desk/events", "events:admin"),
        ("/en/desk/bookings", "booking:admin"),
        ("/en/desk/quotes", "surveys:admin"),
        ("/en/desk/orgs", "directory:admin"),
        ("/en/door/x", "attendance:write"),
        ("/en/ops/parked", "operations:admin"),
        ("/en/ops/deliveries", "notifications:read"),
    ):
        page = await browser.open(path)
        assert (page.status, scope in page.text) == (403, True), path


PAGES = [
    "/en/desk",
    "/sv/desk/events",
    "/en/desk/events/new",
    "/en/desk/events/x",
    "/en/desk/events/x/registrations",
    "/en/desk/events/x/select",
    "/en/desk/bookings",
    "/en/desk/today",
    "/en/desk/orgs",
    "/en/desk/quotes",
    "/en/door/x",
    "/en/ops/deliveries",
    "/en/ops/mail",
    "/en/ops/mail/x",
    "/en/ops/mail/x/html",
    "/en/ops/parked",
    "/en/ops/parked/events/x",
]


async def test_strangers_see_how_to_sign_in(it: City) -> None:
    """Every page of the house's own people answers a stranger with the sign-in page."""
    stranger = it.browser()
    for path in PAGES:
        page = await stranger.open(path)
        assert page.status == 401, path
        assert "python -m services sign-in" in page.text, path


async def test_forms_of_other_sites_are_refused(it: City) -> None:
    """Without our token, with a made up one, or from another origin nothing is done."""
    browser = await it.staff()
    page = await browser.open("/en/desk/orgs")
    sheet = page.sheet("Add")
    typed = [("name", "Forged"), ("kind", "association")]
    bare = await browser.send("/en/desk/orgs", typed)
    forged = await browser.send("/en/desk/orgs", [*typed, ("_form", "1.a.b"), ("_key", "k")])
    own = [pair for pair in sheet.fields if pair[0].startswith("_")]
    foreign = await browser.send(
        "/en/desk/orgs", [*typed, *own], origin="https://elsewhere.example"
    )
    assert [bare.status, forged.status, foreign.status] == [403, 403, 403]
    assert "Forged" not in (await browser.open("/en/desk/orgs")).text
    good = await browser.send("/en/desk/orgs", [*typed, *own], origin=SOURCE)
    assert (good.status, "Forged is registered" in good.text) == (200, True)


ODD = ["%00", "..", "x%2F..%2Fy", "%F0%9F%98%80", "a" * 3_000, "%3Cscript%3E", "-1", "%25s"]


async def test_odd_values_never_break_a_page(it: City) -> None:
    """Whatever stands in an address, a page answers: never 500, never with what was sent in it."""
    browser = await it.staff()
    for odd in ODD:
        addresses = [path.replace("/x", f"/{odd}") for path in PAGES if "/x" in path]
        addresses += [f"/en/sign-in/{odd}", f"/sv/ops/parked/{odd}/{odd}"]
        addresses += [
            f"/en/desk/events?state={odd}&after={odd}",
            f"/en/desk/bookings?done=approved&about={odd}",
            f"/en/desk/today?day={odd}&done={odd}",
            f"/en/desk/orgs?after={odd}&done={odd}",
            f"/en/desk/quotes?state={odd}&after={odd}",
            f"/en/ops/deliveries?state={odd}&after={odd}",
            f"/en/ops/mail?after={odd}",
            f"/en/ops/parked?after={odd}&done={odd}",
            f"/en/sign-in?left={odd}",
        ]
        for address in addresses:
            page = await browser.open(address)
            assert page.status in (200, 404, 413, 422), (address[:80], page.status)
            assert page.answer.headers["content-type"].startswith("text/html"), address[:80]
            assert "<script>" not in page.html, address
