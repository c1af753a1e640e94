"""The one door: who is calling, how often, is there room, and where does it go."""

from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.admission import Admission
from services.gateway.identity import Identity, Shown
from services.gateway.rates import Rate, Rates
from services.gateway.readiness import all_ready
from services.gateway.remote import UpstreamTimeout
from services.gateway.rules import is_inner, is_plain, network_of, service_of
from services.gateway.upstreams import Upstream, cleaned
from shared.http.problems import (
    STATUSES,
    MethodNotAllowed,
    NotFound,
    Problem,
    Unauthorised,
    problem_response,
)
from shared.security.inner import PAGES, VISITOR, BadInnerToken, InnerKey
from shared.security.principal import Principal

_READY: Final = "/readyz"
_PROBES: Final = frozenset(("/livez", _READY, "/metrics"))
_CLOCK: Final = "/v1/clock"
FOR_A_PAGE: Final = "andan.for_a_page"
"""Where a request's scope says that one of our pages asks: its visitor was counted already."""
_VISITOR: Final = VISITOR.encode("ascii")
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_READING: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_STATUSES: Final = {**STATUSES, UpstreamTimeout: 504}


class Limits:
    """What a caller may do in a time."""

    def __init__(self, rates: Rates, public: Rate, key: Rate, page: Rate) -> None:
        self._rates = rates
        self._public = public
        self._key = key
        self._page = page
        self._guess = Rate("guesses", public.a_second, public.burst)

    def count_public(self, scope: Scope) -> None:
        """Count a call without a key by its network; raises TooManyRequests."""
        self._rates.spend(self._public, _network(scope))

    def count_key(self, key_id: str) -> None:
        """Count a call of a key; raises TooManyRequests."""
        self._rates.spend(self._key, key_id)

    def count_page(self, scope: Scope) -> None:
        """Count a page or what it loads by its network; raises TooManyRequests."""
        self._rates.spend(self._page, _network(scope))

    def check_guess(self, scope: Scope) -> None:
        """Refuse a network that has shown too many keys which do not count."""
        self._rates.check(self._guess, _network(scope))

    def count_guess(self, scope: Scope) -> None:
        """Count a key that did not count."""
        self._rates.spend(self._guess, _network(scope))


class Door:
    """ASGI middleware around the gateway's own app; other services' requests never reach that."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        upstreams: Mapping[str, Upstream],
        identity: Identity,
        inner_key: InnerKey,
        limits: Limits | None,
        admission: Admission,
    ) -> None:
        self.app = app
        self._upstreams = upstreams
        self._identity = identity
        self._inner_key = inner_key
        self._limits = limits
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in and have it answered, or refuse it with a problem."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            if scope["path"] == _READY:
                await all_ready(self._upstreams)
            if scope["path"] in _PROBES:
                await self.app(scope, receive, send)
            else:
                await self._let_in(scope, receive, send)
        except Problem as problem:
            response = problem_response(problem, _STATUSES[type(problem)], scope)
            await response(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        principal = await self._principal(scope)
        scope["andan.principal_kind"] = principal.kind
        if scope["method"] not in _METHODS:
            problem = MethodNotAllowed("No address here answers that method.")
            problem.headers["Allow"] = ", ".join(_METHODS)
            raise problem
        if is_inner(path) or not is_plain(path):
            raise NotFound("There is nothing here.")
        name = service_of(path)
        if name is not None and name not in self._upstreams:
            raise NotFound("There is nothing here.")
        token = None if principal.kind == "public" else self._inner_key.mint(principal)
        headers = cleaned(scope["headers"], token)
        if scope["method"] in _READING or path == _CLOCK:
            await self._answer(name, scope, receive, send, headers)
            return
        await self._admission.enter()
        try:
            await self._answer(name, scope, receive, send, headers)
        finally:
            self._admission.leave()

    async def _answer(
        self,
        name: str | None,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: list[tuple[bytes, bytes]],
    ) -> None:
        if name is not None:
            await self._upstreams[name].forward(scope, receive, send, headers)
            return
        scope["headers"] = headers
        await self.app(scope, receive, send)

    async def _principal(self, scope: Scope) -> Principal:
        """Return who is calling, counted against his limit; raises Unauthorised.

        What a page asks for on a visitor's behalf was counted as that page.
        """
        scope[FOR_A_PAGE] = self._is_for_a_page(scope)
        limits = None if scope[FOR_A_PAGE] else self._limits
        try:
            claimed = self._identity.claimed(scope["headers"])
        except Unauthorised:
            if limits is not None:
                limits.count_public(scope)
            raise
        if isinstance(claimed, Principal):
            if limits is not None:
                limits.count_public(scope)
            return claimed
        principal = self._identity.known(claimed)
        if principal is None:
            principal = await self._proven(claimed, scope, limits)
        if self._limits is not None:
            self._limits.count_key(claimed.id)
        return principal

    def _is_for_a_page(self, scope: Scope) -> bool:
        """Tell whether one of our pages asks, which signs that with the inner key."""
        found = next((value for name, value in scope["headers"] if name == _VISITOR), None)
        if found is None:
            return False
        try:
            return self._inner_key.read(found.decode("latin-1")).id == PAGES
        except BadInnerToken:
            return False

    async def _proven(self, key: Shown, scope: Scope, limits: Limits | None) -> Principal:
        """Return the holder as the store has it; a network may not guess keys for ever."""
        if limits is not None and self._identity.is_guess(key):
            limits.check_guess(scope)
        principal = await self._identity.proven(key)
        if principal is None:
            if limits is not None:
                limits.count_guess(scope)
            raise Unauthorised("This key does not count.", reason="invalid_token")
        return principal


def _network(scope: Scope) -> str:
    client = scope.get("client")
    return network_of(client[0] if client else None)
