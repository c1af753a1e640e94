"""Whose form it is: of our own page, not too old, small enough; and what becomes of the rest."""

import time
from urllib.parse import urlencode

import httpx2
import pytest

from services.gateway.app import Gateway
from services.gateway.remote import Remote
from services.gateway.upstreams import OverHttp
from services.web.forms import (
    COOKIE,
    KEY,
    LIFETIME_SECONDS,
    TOKEN,
    Form,
    NotOurForm,
    UnreadableForm,
    check_sender,
    hidden_fields,
    is_fresh,
    new_cookie,
    read_form,
)
from shared.security.inner import InnerKey
from shared.testing.ports import free_port
from tests.web.house import Opened, Visitor, posting

NOW = 1_700_000_000.0
OWN = frozenset({"andan.example"})


def _form(cookie: str, **changed: str) -> Form:
    made = hidden_fields(cookie, seconds=lambda: NOW)
    fields = posting(f"<form method=post>{made}</form>").fields
    body = "&".join(f"{name}={value}" for name, value in {**fields, **changed}.items())
    return read_form(body.encode(), "application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("age", "fresh"),
    [(0, True), (LIFETIME_SECONDS, True), (LIFETIME_SECONDS + 1, False), (-61, False)],
)
def test_a_form_counts_for_half_a_day(age: float, fresh: bool) -> None:
    """A form is good until the last second of its half day, and not before it was made."""
    cookie = new_cookie()
    assert is_fresh(_form(cookie), cookie, lambda: NOW + age) is fresh


@pytest.mark.parametrize(
    "token",
    ["", "x", "1700000000", "1700000000..", "1700000000.00.aa", "9" * 5000, "٣.a.b", "-1.a.b"],
)
def test_a_made_up_token_does_not_count(token: str) -> None:
    """Whatever stands in the hidden field, only what the cookie made is taken."""
    cookie = new_cookie()
    assert not is_fresh(_form(cookie, **{TOKEN: token}), cookie, lambda: NOW)


def test_a_form_belongs_to_one_browser() -> None:
    """Another browser's cookie, or none, makes the form a stranger's."""
    form = _form(new_cookie())
    assert not is_fresh(form, new_cookie(), lambda: NOW)
    assert not is_fresh(form, None, lambda: NOW)


def test_a_form_without_its_key_does_not_count() -> None:
    """Without a key a repeat could not be told from a second wish."""
    cookie = new_cookie()
    assert not is_fresh(_form(cookie, **{KEY: ""}), cookie, lambda: NOW)


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://andan.example"}, False),
        ({"origin": "https://andan.example"}, True),
        ({"origin": "null"}, True),
        ({}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "https://andan.example.evil.example"}, False),
        ({"origin": "evil"}, False),
    ],
)
def test_what_a_browser_says_of_the_sender_is_believed(
    headers: dict[str, str], is_ours: bool
) -> None:
    """A page of another site is refused by either header; silence leaves it to the token."""
    if is_ours:
        check_sender(headers, OWN)
    else:
        with pytest.raises(NotOurForm):
            check_sender(headers, OWN)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"{}", "application/json"),
        (b"a=b", "multipart/form-data; boundary=x"),
        (b"a=b", ""),
        (b"a=%ff", "application/x-www-form-urlencoded"),
        (b"\xff=b", "application/x-www-form-urlencoded"),
        (b"a=%00", "application/x-www-form-urlencoded"),
        (b"&".join(b"a=b" for _ in range(501)), "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_form_is_not_read(body: bytes, media_type: str) -> None:
    """Another type, another coding, a zero byte or endless fields are refused as a whole."""
    with pytest.raises(UnreadableForm):
        read_form(body, media_type)


def test_unseen_marks_around_what_was_copied_are_left_out() -> None:
    """A number copied from a telephone is taken as it was seen."""
    body = urlencode({"words": "Ring \u202a070-12\u202c \u2068Åsa\u2069"}).encode()
    form = read_form(body, "application/x-www-form-urlencoded")
    assert form["words"] == "Ring 070-12 Åsa"


TYPED = {"name": "Lena <i>", "email": "lena@example.org", "sector": "other"}


async def _page(house: Opened, visitor: Visitor) -> httpx2.Response:
    return await visitor.get(f"/sv/events/{house.events['dialogue']['id']}")


@pytest.mark.anyio
async def test_a_tab_left_open_over_night_loses_nothing(house: Opened) -> None:
    """An old form gets a page that keeps all that was typed, and whose button sends it."""
    visitor = house.visitor()
    page = await _page(house, visitor)
    cookie = visitor.http.cookies[COOKIE]
    made = hidden_fields(cookie, seconds=lambda: time.time() - LIFETIME_SECONDS - 60)
    old = posting(f"<form method=post>{made}</form>").fields
    answer = await visitor.post(posting(page.text).action, {**old, **TYPED})
    assert answer.status_code == 403
    assert "Sidan var öppen länge" in answer.text
    assert 'value="Lena &lt;i&gt;"' in answer.text
    sent = await visitor.send(answer)
    assert sent.status_code == 303
    assert sent.headers["location"].endswith("/registered#done")


@pytest.mark.anyio
@pytest.mark.parametrize("left_out", [TOKEN, KEY, "both", "cookie"])
async def test_a_form_without_its_token_does_nothing(house: Opened, left_out: str) -> None:
    """Without the token, the key or the cookie nothing is done, and one button sends it again."""
    visitor = house.visitor()
    form = posting((await _page(house, visitor)).text)
    names = {TOKEN, KEY} if left_out == "both" else {left_out}
    fields = {name: value for name, value in form.fields.items() if name not in names}
    if left_out == "cookie":
        visitor.http.cookies.clear()
    answer = await visitor.post(form.action, {**fields, **TYPED})
    assert answer.status_code == 403
    assert "Inget är skickat än" in answer.text
    assert (await visitor.send(answer)).status_code == 303


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example", "sec-fetch-site": ""},
    ],
)
async def test_a_form_of_another_site_does_nothing_and_is_not_kept(
    house: Opened, headers: dict[str, str]
) -> None:
    """What another site filled in is neither done nor offered to be sent with a click."""
    visitor = house.visitor()
    form = posting((await _page(house, visitor)).text)
    answer = await visitor.post(form.action, {**form.fields, **TYPED}, **headers)
    assert answer.status_code == 403
    assert "Formuläret kom från en annan webbplats" in answer.text
    assert "Lena" not in answer.text


@pytest.mark.anyio
async def test_a_form_that_is_too_large_is_told_in_a_page(house: Opened) -> None:
    """A body over the limit is refused at the door, in the language of the page."""
    visitor = house.visitor()
    form = posting((await _page(house, visitor)).text)
    answer = await visitor.post(form.action, {**form.fields, "name": "x" * 2_100_000})
    assert answer.status_code == 413
    assert answer.headers["content-type"].startswith("text/html")
    assert "Skicka en kortare text" in answer.text


@pytest.mark.anyio
async def test_a_hundred_thousand_characters_are_kept(house: Opened) -> None:
    """More than the API takes is refused in words, and all that was typed stands on the page."""
    visitor = house.visitor()
    form = posting((await _page(house, visitor)).text)
    long = "ب" * 100_000
    answer = await visitor.post(form.action, {**form.fields, **TYPED, "name": long})
    assert answer.status_code in (413, 422)
    assert long in answer.text


@pytest.mark.anyio
async def test_a_body_that_is_no_form_is_told_in_a_page(house: Opened) -> None:
    """JSON to a page is refused with a sentence, not with a document for programs."""
    answer = await house.visitor().http.post("/ar/mine", json={"email": "a@example.org"})
    assert answer.status_code == 415
    assert 'dir="rtl"' in answer.text


@pytest.mark.anyio
async def test_a_neighbour_away_loses_nothing_that_was_typed(house: Opened) -> None:
    """The page says what still works, keeps the form, and sending it again is one registration."""
    visitor = house.visitor()
    page = await _page(house, visitor)
    gateway = house.house.front
    assert isinstance(gateway, Gateway)
    upstreams = gateway.upstreams
    assert isinstance(upstreams, dict)
    events = upstreams["events"]
    upstreams["events"] = OverHttp(
        Remote("events", f"http://127.0.0.1:{free_port()}"), InnerKey(b"k" * 32)
    )
    try:
        away = await visitor.send(page, "email", **TYPED)
        shown = await visitor.get("/sv/events")
        landing = await visitor.get("/sv/")
        rooms = await visitor.get("/sv/rooms")
    finally:
        await upstreams["events"].close()
        upstreams["events"] = events
    assert away.status_code == shown.status_code == 503
    assert "Kalendern och anmälan ligger nere just nu. Rum går att boka som vanligt." in away.text
    assert 'value="Lena &lt;i&gt;"' in away.text
    assert away.headers["retry-after"]
    assert landing.status_code == rooms.status_code == 200
    assert "Kalendern svarar inte just nu" in landing.text
    first, second = await visitor.send(away), await visitor.send(away)
    assert first.headers["location"] == second.headers["location"]
