"""A browser without scripts before the whole house: it keeps cookies and fills in forms."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2

from services.topology import House
from shared.clock import ReplayClock
from shared.security.principal import SCOPES
from tests.web.started import SOURCE, client_of, sign_in_token, started

START = datetime(2023, 3, 1, 9, tzinfo=UTC)


@dataclass
class Sheet:
    """A form of a page, as a browser would send it."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """Words, name and value of each button."""


class _Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.sheets: list[Sheet] = []
        self.words: list[str] = []
        self._button: list[str] | None = None
        self._area: tuple[str, list[str]] | None = None
        self._select: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.sheets.append(Sheet(given.get("action", ""), given.get("method", "get")))
        if not self.sheets:
            return
        sheet = self.sheets[-1]
        name, value = given.get("name", ""), given.get("value", "")
        kind = given.get("type", "text")
        if tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in given):
            sheet.fields.append((name, value or ("on" if kind == "checkbox" else "")))
        elif tag == "textarea":
            self._area = (name, [])
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select is not None:
            chosen = [each for each in sheet.fields if each[0] == self._select]
            if "selected" in given:
                sheet.fields = [each for each in sheet.fields if each[0] != self._select]
            if "selected" in given or not chosen:
                sheet.fields.append((self._select, value))
        elif tag == "button":
            self._button = []
            sheet.buttons.append(("", name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            text = "".join(self._area[1]).removeprefix("\n")
            self.sheets[-1].fields.append((self._area[0], text))
            self._area = None
        elif tag == "select":
            self._select = None
        elif tag == "button" and self._button is not None:
            _, name, value = self.sheets[-1].buttons[-1]
            words = " ".join("".join(self._button).split())
            self.sheets[-1].buttons[-1] = (words, name, value)
            self._button = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area[1].append(data)
        else:
            self.words.append(data)
        if self._button is not None:
            self._button.append(data)


@dataclass
class Seen:
    """A page as it came."""

    answer: httpx2.Response
    url: str

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.answer.status_code)

    @property
    def html(self) -> str:
        """The source of the page."""
        return str(self.answer.text)

    @property
    def text(self) -> str:
        """What is read on the page, in one line."""
        words = _Reader(re.sub(r"<style.*?</style>", "", self.html, flags=re.S)).words
        return " ".join(" ".join(words).split())

    @property
    def sheets(self) -> list[Sheet]:
        """The forms of the page."""
        return _Reader(self.html).sheets

    def sheet(self, words: str) -> Sheet:
        """Return the form with a button whose words begin so."""
        for sheet in self.sheets:
            if any(button[0].startswith(words) for button in sheet.buttons):
                return sheet
        told = [button[0] for sheet in self.sheets for button in sheet.buttons]
        raise AssertionError(f"no button {words!r} among {told} on {self.url}: {self.text[:600]}")

    def has(self, words: str) -> bool:
        """Tell whether a button's words begin so."""
        return any(each[0].startswith(words) for sheet in self.sheets for each in sheet.buttons)


class Browser:
    """Somebody with a browser; no script runs in it."""

    def __init__(self, house: House) -> None:
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=house.front.app, client=("192.0.2.7", 1)),
            base_url=SOURCE,
            follow_redirects=False,
        )

    async def open(self, path: str) -> Seen:
        """Open an address."""
        return await self._follow(await self.http.get(path), path)

    async def press(self, page: Seen, words: str, fill: Mapping[str, Any] | None = None) -> Seen:
        """Fill in the form of a button and press it; a value of None leaves a field out."""
        sheet = page.sheet(words)
        pairs = list(sheet.fields)
        for name, value in (fill or {}).items():
            pairs = [pair for pair in pairs if pair[0] != name]
            values = value if isinstance(value, list) else [value]
            pairs += [(name, str(each)) for each in values if each is not None]
        for told, name, value in sheet.buttons:
            if told.startswith(words) and name:
                pairs.append((name, value))
                break
        return await self.send(urljoin(page.url, sheet.action), pairs)

    async def send(self, url: str, pairs: list[tuple[str, str]], **headers: str) -> Seen:
        """Post a form."""
        body = urlencode(pairs)
        answer = await self.http.post(
            url.partition("#")[0],
            content=body,
            headers={"content-type": "application/x-www-form-urlencoded", **headers},
        )
        return await self._follow(answer, url)

    async def _follow(self, answer: httpx2.Response, url: str) -> Seen:
        for _ in range(5):
            if answer.status_code not in (302, 303, 307):
                break
            url = urljoin(url, answer.headers["location"])
            answer = await self.http.get(url.partition("#")[0])
        return Seen(answer, url)


@dataclass
class City:
    """The house with all its services and pages, on a clock that is moved by hand."""

    house: House
    clock: ReplayClock
    admin: httpx2.AsyncClient

    async def rest(self) -> None:
        """Wait until nothing is left to do."""
        body = {"now": self.clock.now().isoformat()}
        answer = await self.admin.put("/v1/clock", json=body)
        assert answer.status_code == 200, answer.text

    async def move(self, to: datetime) -> None:
        """Move the clock and let all that is due be done."""
        answer = await self.admin.put("/v1/clock", json={"now": to.isoformat()})
        assert answer.status_code == 200, answer.text

    async def ok(self, path: str, body: Any = None) -> Any:
        """Post to the API as the administrator; return what was answered."""
        answer = await self.admin.post(path, json=body)
        assert answer.status_code in (200, 201, 202), f"{path}: {answer.text}"
        return answer.json()

    async def link(self, *scopes: str) -> str:
        """Make a sign-in link of these scopes (all, where none is named); return its path."""
        return f"/en/sign-in/{await sign_in_token(self.house, *(scopes or SCOPES))}"

    def browser(self) -> Browser:
        """Return somebody's browser."""
        return Browser(self.house)

    async def staff(self, *scopes: str) -> Browser:
        """Return the browser of somebody who has signed in."""
        browser = self.browser()
        page = await browser.open(await self.link(*scopes))
        page = await browser.press(page, "Sign in")
        assert urlsplit(page.url).path == "/en/desk", page.text
        return browser


@asynccontextmanager
async def city(folder: Path) -> AsyncIterator[City]:
    """Start the whole house on 1 March 2023."""
    async with started(folder, START) as (house, key), client_of(house, key) as admin:
        assert isinstance(house.clock, ReplayClock)
        yield City(house, house.clock, admin)


def event_body(**changes: Any) -> dict[str, Any]:
    """Return the body of a complete event of 80 places."""
    body = {
        "format": "dialogforum",
        "titles": {"sv": "Jämlik hälsa", "en": "Equal health"},
        "capacity": 80,
        "starts_at": "2023-04-19T11:00:00Z",
        "ends_at": "2023-04-19T13:00:00Z",
        "time_zone": "Europe/Stockholm",
        "place": "Salen",
        "admission": "first-come",
    }
    return {**body, **changes}
