"""The gateway's API as the pages call it: in this process or over HTTP, always as a visitor."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote, urlencode

import httpx2
from starlette.types import ASGIApp, Message, Scope

from shared.observability import correlation
from shared.security.inner import PAGES, VISITOR, InnerKey
from shared.security.principal import Principal

_KEPT_SECONDS = 1.0
"""Shorter than a gateway that was asked to stop goes on serving: see `Draining`."""
_VISITOR: Final = Principal(kind="key", id=PAGES)
"""Whom the token names by which the door knows calls that were counted already, as a page."""

_SAFE_PATH: Final = "/:@!$&'()*+,;=~-._"
"""No percent: what a visitor wrote in a segment stays one, however often it is encoded."""
Pairs = list[tuple[str, str]]


def written(at: datetime) -> str:
    """Return an instant as the API takes it, in whole seconds."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Refused(Exception):
    """The API said no: `status`, the `slug` of the problem, and its document.

    The document's own words are for programs: a page says it in words of its own.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('title', '')}")
        self.status = status
        self.problem = problem
        self.slug = str(problem.get("type", "")).removeprefix("/problems/")

    @property
    def places(self) -> set[str]:
        """The fields that are wrong, by the last step of each pointer."""
        errors = self.problem.get("errors") or []
        return {str(each.get("pointer", "")).rpartition("/")[2] for each in errors}


class Away(Exception):
    """A neighbour did not answer; `services` names which, where that is known."""

    def __init__(self, services: Iterable[str] = ()) -> None:
        self.services = frozenset(services)
        super().__init__(", ".join(sorted(self.services)) or "the gateway")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Caller(Protocol):
    """A way to the gateway."""

    async def ask(self, method: str, target: str, headers: Pairs, content: bytes) -> Answer:
        """Ask; raises Away where nothing answers in time."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class InHouse:
    """The gateway of this process: its app is handed a scope, nothing goes over a wire."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.app: ASGIApp | None = None
        """Set once the gateway exists, which needs the pages to exist first."""

    async def ask(self, method: str, target: str, headers: Pairs, content: bytes) -> Answer:
        """Call the app, and put together what it sends."""
        assert self.app is not None
        path, _, query = target.partition("?")
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("ascii"),
            "query_string": query.encode("ascii"),
            "root_path": "",
            "headers": [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]
            + [(b"content-length", str(len(content)).encode("ascii"))],
            "client": ("127.0.0.1", 0),
            "server": ("inside", 80),
        }
        exchange = _Exchange(content)
        try:
            async with asyncio.timeout(self._seconds):
                await self.app(scope, exchange.receive, exchange.send)
        except TimeoutError as error:
            raise Away from error
        return exchange.answer()

    async def close(self) -> None:
        """Nothing is held."""


class _Exchange:
    """One request and its answer, as ASGI messages."""

    def __init__(self, content: bytes) -> None:
        self._content: bytes | None = content
        self._status = 500
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []

    async def receive(self) -> Message:
        if self._content is None:
            await asyncio.Event().wait()  # the caller does not hang up
        body, self._content = self._content, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            pairs = message.get("headers", ())
            self._headers = {name.decode("ascii").lower(): v.decode("latin-1") for name, v in pairs}
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))

    def answer(self) -> Answer:
        return Answer(self._status, self._headers, b"".join(self._parts))


class OverHttp:
    """The gateway in other processes, over kept connections; `addresses` are told with commas.

    One that refuses the connection is passed over; the last that took one comes first.
    """

    def __init__(self, addresses: str, seconds: float) -> None:
        self._clients = [
            httpx2.AsyncClient(
                base_url=address.strip(),
                timeout=httpx2.Timeout(seconds, connect=2),
                limits=httpx2.Limits(keepalive_expiry=_KEPT_SECONDS),
                follow_redirects=False,
                trust_env=False,
            )
            for address in addresses.split(",")
        ]

    async def ask(self, method: str, target: str, headers: Pairs, content: bytes) -> Answer:
        """Send the request and read the whole answer."""
        failure: httpx2.TransportError | None = None
        for client in list(self._clients):
            try:
                answer = await client.request(method, target, headers=headers, content=content)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
                self._clients.remove(client)
                self._clients.append(client)
            except httpx2.TransportError as error:
                raise Away from error
            else:
                found = {name.lower(): value for name, value in answer.headers.items()}
                return Answer(answer.status_code, found, answer.content)
        raise Away from failure

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            await client.aclose()


class Api:
    """The API in somebody's name: the public's, or the holder's of `token`."""

    def __init__(self, caller: Caller, inner_key: InnerKey, token: str | None = None) -> None:
        self._caller = caller
        self._inner_key = inner_key
        self._token = token

    def holding(self, token: str | None) -> "Api":
        """Return the API in the name of the holder of another token: a link's, a session's."""
        return Api(self._caller, self._inner_key, token)

    async def get(self, path: str, query: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Return the answer to a GET; None and empty values of the query are left out."""
        return _parsed(await self.fetch(path, {**(query or {}), **more}))

    async def every(self, path: str, query: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Return all items of a list, page by page."""
        asked: dict[str, Any] = {**(query or {}), **more, "limit": 100}
        items: list[Any] = []
        while True:
            page = await self.get(path, asked)
            items += page["items"]
            if not page["next"]:
                return items
            asked["cursor"] = page["next"]

    async def post(self, path: str, body: object = None, *, key: str | None = None) -> Any:
        """Return the answer to a POST; `key` makes a repeat harmless."""
        return _parsed(await self.send("POST", path, body, key=key))

    async def put(self, path: str, body: object, *, key: str | None = None) -> Any:
        """Return the answer to a PUT."""
        return _parsed(await self.send("PUT", path, body, key=key))

    async def patch(
        self, path: str, body: object, *, key: str | None = None, etag: str | None = None
    ) -> Any:
        """Return the answer to a PATCH; `etag` refuses where the thing has changed since."""
        return _parsed(await self.send("PATCH", path, body, key=key, etag=etag))

    async def delete(self, path: str) -> Any:
        """Return the answer to a DELETE."""
        return _parsed(await self.send("DELETE", path))

    async def fetch(
        self, path: str, query: Mapping[str, Any] | None = None, *, accept: str = "application/json"
    ) -> Answer:
        """Return the answer to a GET as it came, where it is no error."""
        told = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        target = quote(path, safe=_SAFE_PATH)
        if told:
            target += "?" + urlencode(told, doseq=True)
        return await self._ask("GET", target, [("accept", accept)], b"")

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        etag: str | None = None,
    ) -> Answer:
        """Return the answer to a request with a body as it came, where it is no error."""
        headers = [("accept", "application/json")]
        content = b""
        if body is not None:
            headers.append(("content-type", "application/json"))
            content = json.dumps(body, ensure_ascii=True).encode("ascii")
        if key:
            headers.append(("idempotency-key", key))
        if etag:
            headers.append(("if-match", etag))
        return await self._ask(method, quote(path, safe=_SAFE_PATH), headers, content)

    async def _ask(self, method: str, target: str, headers: Pairs, content: bytes) -> Answer:
        headers = [*headers, (VISITOR, self._inner_key.mint(_VISITOR))]
        if self._token is not None:
            headers.append(("authorization", f"Bearer {self._token}"))
        for name, value in (
            ("x-request-id", correlation.request_id.get()),
            ("traceparent", correlation.traceparent.get()),
        ):
            if value is not None:
                headers.append((name, value))
        answer = await self._caller.ask(method, target, headers, content)
        if answer.status < 400:
            return answer
        problem = _problem(answer)
        if answer.status >= 500:
            reasons = problem.get("reasons") or ()
            raise Away(str(each) for each in reasons)
        raise Refused(answer.status, problem)


def _parsed(answer: Answer) -> Any:
    return json.loads(answer.content) if answer.content else None


def _problem(answer: Answer) -> Mapping[str, Any]:
    try:
        problem = json.loads(answer.content)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
