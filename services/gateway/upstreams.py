"""The services behind the gateway, in this process or in another one, reached in the same way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import httpx2
from starlette.types import Receive, Scope, Send

from services.gateway.remote import Remote
from shared.clock import ReplayClock
from shared.member import Member
from shared.security.inner import HEADER, MISHAP, VISITOR, InnerKey
from shared.security.principal import Principal
from shared.service import Quiet

OPERATOR: Final = Principal(kind="key", id="gateway", scopes=frozenset({"operations:admin"}))
_INNER: Final = HEADER.encode("ascii")
_OURS: Final = frozenset(name.encode() for name in (HEADER, VISITOR, MISHAP))
_NOT_FOR_PAGES: Final = _OURS | {b"authorization"}
_KEPT_BACK: Final = _NOT_FOR_PAGES | {b"cookie"}
_OF_THE_APP: Final = ("app", "router", "route", "endpoint", "path_params", "fastapi", "state")
_TOLD: Final = ("route", "fastapi", "path_params", "andan.error")

Headers = list[tuple[bytes, bytes]]


class Upstream(Protocol):
    """One service: takes requests, and can be asked how it is."""

    async def forward(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        """Have the service answer the request with these headers; note its route in `scope`."""
        ...

    async def call(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """Call one of the service's inner addresses in the gateway's own name."""
        ...

    async def ready(self) -> str | None:
        """Return None where the service is ready, else the reason."""
        ...

    async def document(self) -> dict[str, Any]:
        """Return the service's own OpenAPI document."""
        ...

    async def quiet(self, *, closely: bool = True) -> Quiet:
        """Say whether the service has nothing left to do; `closely` asks the bus too."""
        ...

    async def move(self, to: datetime | None, *, running: bool = False) -> None:
        """Move the service's replay clock, or let it run on."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


def cleaned(headers: Sequence[tuple[bytes, bytes]], token: str | None) -> Headers:
    """Return what a service may see of a request's headers: who is calling, and no credentials.

    Whoever claims from outside to be the gateway is not heard: the inner header is only ours.
    """
    kept = [pair for pair in headers if pair[0] not in _KEPT_BACK]
    if token is not None:
        kept.append((_INNER, token.encode("ascii")))
    return kept


def page_headers(headers: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Return what pages may see of a request's headers: no more than a browser has to send."""
    return [pair for pair in headers if pair[0] not in _NOT_FOR_PAGES]


class InProcess:
    """A service of this process: it is handed the scope itself, with headers of its own."""

    def __init__(self, service: Member, inner_key: InnerKey) -> None:
        self._service = service
        self._inner_key = inner_key

    async def forward(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        """Call the service's app on a copy of the scope; tell which route answered."""
        inner = {**scope, "headers": headers}
        for name in _OF_THE_APP:
            inner.pop(name, None)
        try:
            await self._service.app(inner, receive, send)
        finally:
            for name in _TOLD:
                if name in inner:
                    scope[name] = inner[name]

    async def call(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """Call the app through a client whose transport it is."""
        transport = httpx2.ASGITransport(app=self._service.app)
        headers = {HEADER: self._inner_key.mint(OPERATOR)}
        async with httpx2.AsyncClient(transport=transport, base_url="http://inside") as client:
            return await client.request(method, path, headers=headers, json=body)

    async def ready(self) -> str | None:
        """Ask the service's own /readyz."""
        return unready(await self.call("GET", "/readyz"))

    async def document(self) -> dict[str, Any]:
        """Return what the app says of itself."""
        return self._service.app.openapi()

    async def quiet(self, *, closely: bool = True) -> Quiet:
        """Ask the service."""
        return await self._service.quiet(closely=closely)

    async def move(self, to: datetime | None, *, running: bool = False) -> None:
        """Move the clock, which all services of the process share, unless it stands there."""
        clock = self._service.clock
        if isinstance(clock, ReplayClock):
            if to is not None and to > clock.now():
                clock.move(to)
            if running:
                clock.run_on()

    async def close(self) -> None:
        """Nothing is held."""


class OverHttp:
    """A service in processes of its own, reached over HTTP: each of them is asked how it is."""

    def __init__(self, remote: Remote, inner_key: InnerKey) -> None:
        self._remote = remote
        self._inner_key = inner_key

    async def forward(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        """Send the request on and stream the answer back."""
        await self._remote.forward(scope, receive, send, headers)

    async def call(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """Call the service over one of the kept connections."""
        headers = {HEADER: self._inner_key.mint(OPERATOR)}
        return await self._remote.call(method, path, headers, body)

    async def ready(self) -> str | None:
        """Ask each process's /readyz; one that is ready is enough."""
        found = [
            type(answer).__name__ if isinstance(answer, Exception) else unready(answer)
            for answer in await self._each("GET", "/readyz")
        ]
        return None if None in found else "; ".join(sorted({why for why in found if why}))

    async def document(self) -> dict[str, Any]:
        """Fetch what the service says of itself; kept for a while."""
        return await self._remote.document()

    async def quiet(self, *, closely: bool = True) -> Quiet:
        """Ask each process; all of them have to be quiet."""
        states = []
        path = "/internal/quiet" if closely else "/internal/quiet?closely=false"
        for answer in await self._each("GET", path):
            if isinstance(answer, Exception):
                raise answer
            states.append(answer.raise_for_status().json())
        due = [state["next_due"] for state in states if state["next_due"] is not None]
        return Quiet(
            is_quiet=all(state["quiet"] for state in states),
            activity=sum(state["activity"] for state in states),
            next_due=min((datetime.fromisoformat(each) for each in due), default=None),
            reasons=tuple(reason for state in states for reason in state["reasons"]),
        )

    async def move(self, to: datetime | None, *, running: bool = False) -> None:
        """Move the clock of every process of the service."""
        body = {"now": None if to is None else to.isoformat(), "running": running}
        for answer in await self._each("PUT", "/internal/clock", body):
            if isinstance(answer, Exception):
                raise answer
            answer.raise_for_status()

    async def _each(
        self, method: str, path: str, body: object = None
    ) -> list[httpx2.Response | httpx2.TransportError]:
        headers = {HEADER: self._inner_key.mint(OPERATOR)}
        return await self._remote.call_each(method, path, headers, body)

    async def close(self) -> None:
        """Close the connections."""
        await self._remote.close()


def unready(answer: httpx2.Response) -> str | None:
    """Return None where /readyz said 200, else why not."""
    if answer.status_code == 200:
        return None
    try:
        reasons: dict[str, str] = answer.json()["reasons"]
        return ", ".join(f"{part} {why}" for part, why in reasons.items())
    except (ValueError, KeyError, AttributeError):
        return f"status {answer.status_code}"
