"""Sees every request once: times it, counts it, and writes its one line."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import route_template
from shared.observability.logs import request_line
from shared.observability.metrics import Metrics

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})
UNLINKABLE: Final = frozenset(
    {
        "/v1/surveys/{survey_id}/answers",
        "/v1/surveys/{survey_id}/words",
        "/v1/quote-withdrawals",
    }
)
"""Routes whose line tells neither request nor trace nor caller: it could be joined with others."""


class RequestLine:
    """ASGI middleware, the outermost: one log line and one observation per request.

    The three probes are observed but not told; of an unlinkable route no more is told than its
    template, status and duration.
    """

    def __init__(self, app: ASGIApp, *, service: str, metrics: Metrics) -> None:
        self.app = app
        self._service = service
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request and note how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        status = 0
        error: BaseException | None = None

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except BaseException as raised:
            error = raised
            raise
        finally:
            seconds = perf_counter() - began
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            route = route_template(scope) or "unmatched"
            self._metrics.request(self._service, method, route, status or 500, seconds)
            known = {} if route in UNLINKABLE else scope
            if route not in _PROBES:
                request_line(
                    service=self._service,
                    method=method,
                    route=route,
                    status=status or 500,
                    duration_ms=seconds * 1_000,
                    principal=known.get("andan.principal_kind"),
                    request_id=known.get("andan.request_id"),
                    trace_id=known.get("andan.trace_id"),
                    error=error or scope.get("andan.error"),
                )
