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

    async def quiet(self) -> Quiet:
        """Say whether the service has nothing left to do."""
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

    async def quiet(self) -> Quiet:
        """Ask the service."""
        return await self._service.quiet()

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
    """A service in a process of its own, reached over HTTP."""

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
        """Ask the service's own /readyz."""
        return unready(await self.call("GET", "/readyz"))

    async def document(self) -> dict[str, Any]:
        """Fetch what the service says of itself; kept for a while."""
        return await self._remote.document()

    async def quiet(self) -> Quiet:
        """Ask the service."""
        answer = await self.call("GET", "/internal/quiet")
        answer.raise_for_status()
        state = answer.json()
        due = state["next_due"]
        return Quiet(
            is_quiet=state["quiet"],
            activity=state["activity"],
            next_due=None if due is None else datetime.fromisoformat(due),
            reasons=tuple(state["reasons"]),
        )

    async def move(self, to: datetime | None, *, running: bool = False) -> None:
        """Move the clock of the service's process."""
        body = {"now": None if to is None else to.isoformat(), "running": running}
        (await self.call("PUT", "/internal/clock", body)).raise_for_status()

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
