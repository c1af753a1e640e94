"""Forwarding over HTTP: pooled connections, patience with an end, streamed answers."""

import asyncio
import re
import time
from typing import Any, Final
from urllib.parse import quote

import httpx2
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

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


class Remote:
    """One service at `address`; a connection is made when first needed."""

    def __init__(
        self, name: str, address: str, *, seconds: float = 30, connections: int = 100
    ) -> None:
        self._name = name
        self._address = httpx2.URL(address)
        self._http = httpx2.AsyncClient(
            base_url=address,
            timeout=httpx2.Timeout(
                seconds, connect=_CONNECT_SECONDS, write=seconds, pool=_CONNECT_SECONDS
            ),
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections
            ),
            follow_redirects=False,
            trust_env=False,
        )
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
        answer = await self._answer(self._request(scope, headers, body))
        try:
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
        finally:
            await answer.aclose()

    async def call(
        self, method: str, path: str, headers: dict[str, str], body: object
    ) -> httpx2.Response:
        """Make one call of the gateway's own and return the whole answer."""
        return await self._http.request(method, path, headers=headers, json=body)

    async def document(self) -> dict[str, Any]:
        """Return the service's OpenAPI document, fetched at most once a minute."""
        now = time.monotonic()
        if self._document is None or now - self._document[0] > _DOCUMENT_SECONDS:
            try:
                answer = await self._http.get("/openapi.json")
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
        await self._http.aclose()

    def _request(self, scope: Scope, headers: Pairs, body: bytes) -> httpx2.Request:
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
        return self._http.build_request(
            scope["method"],
            self._address.copy_with(raw_path=target),
            headers=kept,
            content=body if body or scope["method"] not in _SAFE else None,
        )

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request`; a safe one again where a kept connection turns out to be closed."""
        try:
            try:
                return await self._http.send(request, stream=True)
            except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
                if request.method not in _SAFE:
                    raise
                return await self._http.send(request, stream=True)
        except (httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise self._away() from error
        except httpx2.TimeoutException as error:
            raise UpstreamTimeout(
                f"The service {self._name} did not answer in time.", reasons=[self._name]
            ) from error
        except httpx2.TransportError as error:
            raise self._away() from error

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
