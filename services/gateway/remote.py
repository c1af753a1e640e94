"""Forwarding over HTTP: pooled connections, patience with an end, streamed answers."""

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx2
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from services.gateway.address import Address, Sending, in_turn
from shared.http.problems import InvalidRequest, TooLarge, Unavailable
from shared.observability import correlation
from shared.problem import Problem

_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"}
    | {b"proxy-connection", b"te", b"trailer", b"trailers", b"transfer-encoding", b"upgrade"}
    | {b"expect"}
)
_NOT_ON: Final = _HOP | {b"host", b"content-length", b"x-request-id", b"traceparent"}
_NOT_BACK: Final = _HOP | {b"server", b"date", b"x-request-id"}
_KEY: Final = b"idempotency-key"
_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_PATH: Final = "/:@!$&'()*+,;=~-._"
_DOCUMENT_SECONDS: Final = 60.0
_CONNECT_SECONDS: Final = 2.0
_TRY_AGAIN_SECONDS: Final = 5.0

Pairs = list[tuple[bytes, bytes]]


class UpstreamTimeout(Problem):
    """The answer took too long.

    Whether anything was done is not known; with the same Idempotency-Key it can be tried again
    without harm.
    """


class Template:
    """A route's template as the service's document tells it, in the shape of a route."""

    def __init__(self, path: str) -> None:
        self.path_format = path
        parts = re.split(r"(\{[^}]*\})", path)
        self._form = re.compile(
            "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts)
        )
        self.steps_open = path.count("{")

    def fits(self, path: str) -> bool:
        """Tell whether `path` is one of these."""
        return self._form.fullmatch(path) is not None


@dataclass
class _Wish:
    """A request as every address of the service would get it."""

    method: str
    target: bytes
    headers: Pairs
    content: bytes | None

    def may_go_again(self, sending: Sending) -> bool:
        """Say whether a request whose connection broke before an answer can be sent once more.

        One that only reads, or that did not leave; and one with a key where the connection was a
        kept one, which the other side may have closed for its idleness.
        """
        if self.method in _SAFE or not sending.has_begun:
            return True
        return not sending.is_new and any(name == _KEY for name, _ in self.headers)


class Remote:
    """One service at its `addresses`; a connection is made when first needed.

    A request goes to the least busy address. One that refuses the connection is passed over, for
    this request and for a second; one that says that it is about to stop, until it has.
    """

    def __init__(
        self,
        name: str,
        addresses: str | Sequence[str],
        *,
        seconds: float = 30,
        connections: int = 100,
    ) -> None:
        self._name = name
        timeout = httpx2.Timeout(
            seconds, connect=_CONNECT_SECONDS, write=seconds, pool=_CONNECT_SECONDS
        )
        told = [addresses] if isinstance(addresses, str) else addresses
        self._addresses = [Address(each, timeout=timeout, connections=connections) for each in told]
        self._document: tuple[float, dict[str, Any]] | None = None
        self._templates: list[Template] = []
        self._learn_after = 0.0
        self._learning: asyncio.Task[None] | None = None

    async def forward(self, scope: Scope, receive: Receive, send: Send, headers: Pairs) -> None:
        """Send the request on and stream the answer back.

        Raises Unavailable where the service cannot be reached, UpstreamTimeout where it does not
        answer in time, InvalidRequest and TooLarge for what no service should see.
        """
        scope["route"] = self._template(scope["path"])
        body = await body_of(receive)
        if body is None:
            return
        async with self._answer(_wish(scope, headers, body)) as answer:
            await send(
                {
                    "type": "http.response.start",
                    "status": answer.status_code,
                    "headers": [
                        (name.lower(), value)
                        for name, value in answer.headers.raw
                        if name.lower() not in _NOT_BACK
                    ],
                }
            )
            async for part in answer.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def call(
        self, method: str, path: str, headers: dict[str, str], body: object
    ) -> httpx2.Response:
        """Make one call of the gateway's own to one of the addresses; return the whole answer."""
        failure: httpx2.TransportError | None = None
        for address in in_turn(self._addresses):
            try:
                return await address.http.request(method, path, headers=headers, json=body)
            except httpx2.ConnectError as error:
                address.refused()
                failure = error
        assert failure is not None
        raise failure

    async def call_each(
        self, method: str, path: str, headers: dict[str, str], body: object = None
    ) -> list[httpx2.Response | httpx2.TransportError]:
        """Make one call to every address; return what each answered, or why it did not."""

        async def ask(address: Address) -> httpx2.Response | httpx2.TransportError:
            try:
                return await address.http.request(method, path, headers=headers, json=body)
            except httpx2.TransportError as error:
                return error

        return await asyncio.gather(*(ask(each) for each in self._addresses))

    async def document(self) -> dict[str, Any]:
        """Return the service's OpenAPI document, fetched at most once a minute."""
        now = time.monotonic()
        if self._document is None or now - self._document[0] > _DOCUMENT_SECONDS:
            try:
                answer = await self.call("GET", "/openapi.json", {}, None)
                answer.raise_for_status()
                self._document = (now, answer.json())
            except (httpx2.HTTPError, ValueError) as error:
                if self._document is None:
                    raise Unavailable(
                        f"The service {self._name} does not answer.", reasons=[self._name]
                    ) from error
                return self._document[1]
            found = [Template(path) for path in self._document[1].get("paths", {})]
            self._templates = sorted(found, key=lambda each: each.steps_open)
        return self._document[1]

    async def close(self) -> None:
        """Close the connections."""
        if self._learning is not None:
            self._learning.cancel()
        for address in self._addresses:
            await address.http.aclose()

    @asynccontextmanager
    async def _answer(self, wish: _Wish) -> AsyncIterator[httpx2.Response]:
        """Have the wish answered by one of the addresses; until the end, that one is busy."""
        answer, address = await self._answered(wish)
        try:
            if answer.headers.get("connection", "").lower() == "close":
                address.leaving()
            yield answer
        finally:
            address.in_flight -= 1
            await answer.aclose()

    async def _answered(self, wish: _Wish) -> tuple[httpx2.Response, Address]:
        """Try the addresses in turn; one whose connection broke comes last, once more."""
        left = deque(in_turn(self._addresses))
        has_broken = False
        while left:
            address, sending = left.popleft(), Sending()
            try:
                return await self._sent(wish, address, sending), address
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                address.refused()
                failure: httpx2.TransportError = error
            except httpx2.PoolTimeout as error:
                failure = error
            except httpx2.TimeoutException as error:
                raise UpstreamTimeout(
                    f"The service {self._name} did not answer in time.", reasons=[self._name]
                ) from error
            except httpx2.TransportError as error:
                if has_broken or not wish.may_go_again(sending):
                    raise self._away() from error
                failure, has_broken = error, True
                left.append(address)
        raise self._away() from failure

    async def _sent(self, wish: _Wish, address: Address, sending: Sending) -> httpx2.Response:
        request = address.http.build_request(
            wish.method,
            address.url.copy_with(raw_path=wish.target),
            headers=wish.headers,
            content=wish.content,
            extensions={"trace": sending},
        )
        address.in_flight += 1
        address.served += 1
        try:
            return await address.http.send(request, stream=True)
        except BaseException:
            address.in_flight -= 1
            raise

    def _away(self) -> Unavailable:
        problem = Unavailable(f"The service {self._name} does not answer.", reasons=[self._name])
        problem.headers["Retry-After"] = "1"
        return problem

    def _template(self, path: str) -> Template | None:
        if not self._templates:
            self._learn()
        return next((each for each in self._templates if each.fits(path)), None)

    def _learn(self) -> None:
        """Ask for the service's document behind the request that wants to be told by its route."""
        now = time.monotonic()
        if now < self._learn_after or (self._learning and not self._learning.done()):
            return
        self._learn_after = now + _TRY_AGAIN_SECONDS
        self._learning = asyncio.create_task(self._learn_once())

    async def _learn_once(self) -> None:
        try:
            await self.document()
        except Problem:
            return  # it is away; asked again after a while


def _wish(scope: Scope, headers: Pairs, body: bytes) -> _Wish:
    """Return the request as it goes on; raise InvalidRequest for what no service should see."""
    kept = [pair for pair in headers if pair[0] not in _NOT_ON]
    if any(_CONTROLS.search(value) for _, value in kept):
        raise InvalidRequest("A header holds control characters.")
    for name, value in (
        (b"x-request-id", correlation.request_id.get()),
        (b"traceparent", correlation.traceparent.get()),
    ):
        if value is not None:
            kept.append((name, value.encode("ascii")))
    if not any(name == b"accept-encoding" for name, _ in kept):
        kept.append((b"accept-encoding", b"identity"))  # or the client would ask for its own
    target = quote(scope["path"], safe=_PATH).encode("ascii")
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    content = body if body or scope["method"] not in _SAFE else None
    return _Wish(scope["method"], target, kept, content)


async def body_of(receive: Receive) -> bytes | None:
    """Return a request's whole body (the door bounds it), or None where the caller has gone.

    Raises TooLarge where the door counted too many bytes.
    """
    parts: list[bytes] = []
    while True:
        try:
            message: Message = await receive()
        except HTTPException as error:
            raise TooLarge("The body is too large.") from error
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
