"""Pages behind the door: which addresses they have, and how a refusal is told to a reader."""

import re
from contextlib import suppress
from typing import Final

import httpx2
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.door import Limits
from services.gateway.problem_page import POLICY, language_of, prefers_html, problem_html
from services.gateway.rules import is_page, is_plain
from services.gateway.upstreams import Headers, Upstream, page_headers
from shared.http.problems import MEDIA_TYPE, STATUSES, NotFound, Problem, problem_response
from shared.problem import problem_pages
from shared.security.inner import MISHAP

_SLUGS: Final = {404: "not-found", 413: "too-large", 429: "too-many-requests", 503: "unavailable"}
_SPOKEN: Final = ("sv", "en", "ar")
"""The languages of the report's page."""
_REPORT: Final = re.compile(r"/v1/years/(\d{4})/report")


class Pages:
    """ASGI middleware before the door: a page is counted as one, whatever it asks of the API.

    A page that changes something takes no place in the queue of writers: what it asks for does.
    """

    def __init__(self, app: ASGIApp, *, pages: Upstream, limits: Limits | None) -> None:
        self.app = app
        self._pages = pages
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a page shown, or let the request go on to the door."""
        if scope["type"] == "http" and _turn_to_report(scope):
            send = _varying(send)
        elif scope["type"] != "http" or not is_page(scope["path"]):
            await self.app(scope, receive, send)
            return
        scope["andan.principal_kind"] = "public"
        try:
            if self._limits is not None:
                self._limits.count_page(scope)
            if not is_plain(scope["path"].removesuffix("/") or "/"):
                raise NotFound("There is nothing here.")
            await self._pages.forward(scope, receive, send, page_headers(scope["headers"]))
        except Problem as problem:
            response = problem_response(problem, STATUSES.get(type(problem), 503), scope)
            await response(scope, receive, send)


class InWords:
    """ASGI middleware outside of all limits: a problem on the way to a page becomes a page.

    So does what a browser asks for outside of the interface, where nothing is.
    """

    def __init__(self, app: ASGIApp, *, pages: Upstream) -> None:
        self.app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as before, but never a reader with a document for programs."""
        if scope["type"] != "http" or not (is_page(scope["path"]) or _is_reader(scope)):
            await self.app(scope, receive, send)
            return
        refusal: Message | None = None

        async def listening(message: Message) -> None:
            nonlocal refusal
            if message["type"] == "http.response.start" and _is_problem(message):
                refusal = message
            elif refusal is None:
                await send(message)

        await self.app(scope, receive, listening)
        if refusal is not None:
            await self._tell(refusal, scope, send)

    async def _tell(self, refusal: Message, scope: Scope, send: Send) -> None:
        """Show the page for a refusal; where even that one is away, a plain one of our own."""
        status = refusal["status"]
        kept = [
            pair
            for pair in refusal["headers"]
            if pair[0] in (b"retry-after", b"allow", b"x-request-id", b"ratelimit")
        ]

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *kept]
            await send(message)

        asked = {**scope, "method": "GET", "query_string": b""}
        headers: Headers = [
            *((name, value) for name, value in scope["headers"] if name == b"accept-language"),
            (MISHAP.encode("ascii"), str(status).encode("ascii")),
        ]
        with suppress(Problem, httpx2.TransportError):
            await self._pages.forward(asked, _nothing, dressed, headers)
            return
        slug = _SLUGS.get(status, "internal")
        accepted = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
        text = problem_html(problem_pages()[slug], language_of(accepted))
        response = HTMLResponse(text, status, headers={"Content-Security-Policy": POLICY})
        await response(scope, _nothing, dressed)


def _varying(send: Send) -> Send:
    """Tell caches that the same address answers programs otherwise."""

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"vary", b"Accept, Accept-Language")]
        await send(message)

    return telling


def _is_reader(scope: Scope) -> bool:
    """Tell whether a person looks for something that is no part of the interface."""
    if scope["method"] not in ("GET", "HEAD") or scope["path"].startswith("/v1/"):
        return False
    return prefers_html(dict(scope["headers"]).get(b"accept", b"").decode("latin-1"))


def _is_problem(message: Message) -> bool:
    return any(
        name == b"content-type" and value.startswith(MEDIA_TYPE.encode("ascii"))
        for name, value in message.get("headers", ())
    )


def _turn_to_report(scope: Scope) -> bool:
    """Turn a reader's request for a year's report to its page; programs get what they ask for."""
    found = _REPORT.fullmatch(scope["path"])
    if found is None or scope["method"] not in ("GET", "HEAD"):
        return False
    headers = dict(scope["headers"])
    if not prefers_html(headers.get(b"accept", b"").decode("latin-1")):
        return False
    language = language_of(headers.get(b"accept-language", b"").decode("latin-1"), _SPOKEN)
    scope["path"] = f"/{language}/reports/{found[1]}"
    scope["raw_path"] = scope["path"].encode("ascii")
    return True


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
