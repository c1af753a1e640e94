"""Sees every request once: times it, counts it, and writes its one line."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import route_template
from shared.observability import tracing
from shared.observability.correlation import parse_traceparent, traceparent
from shared.observability.logs import request_line
from shared.observability.metrics import Metrics
from shared.security.inner import VISITOR

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})
_VISITOR: Final = VISITOR.encode("ascii")
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

    def __init__(
        self, app: ASGIApp, *, service: str, metrics: Metrics, begins_traces: bool = False
    ) -> None:
        """`begins_traces`: a request from outside, which has no trace yet, has one from here on."""
        self.app = app
        self._service = service
        self._metrics = metrics
        self._begins_traces = begins_traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request and note how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        status = 0
        error: BaseException | None = None
        step = self._step(scope) if tracing.is_on() else None

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
            if step is not None:
                told = None if route == "unmatched" else route
                tracing.end_request(
                    step, method=method, route=told, status=status or 500, error=error
                )
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

    def _step(self, scope: Scope) -> tracing.Step | None:
        """Begin the request's span, and leave it where `Headers` finds what to carry on.

        What a page asks for without a trace is asked for by one that has none, on purpose.
        """
        if scope["path"] in _PROBES:
            return None
        headers = dict(reversed(scope["headers"]))
        given = headers.get(b"traceparent", b"").decode("latin-1")
        step = tracing.begin_request(
            self._service,
            scope["path"],
            given if parse_traceparent(given) else None,
            begins_trace=self._begins_traces and _VISITOR not in headers,
        )
        scope["andan.step"] = step
        return step


class InnerSpan:
    """ASGI middleware of a service in the gateway's process: its step below the gateway's."""

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self.app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, as a step of the trace at hand if there is one."""
        step = None
        if scope["type"] == "http":
            parent = traceparent.get()
            step = tracing.begin_request(self._service, scope["path"], parent, begins_trace=False)
        if step is None:
            await self.app(scope, receive, send)
            return
        status = 0
        error: BaseException | None = None

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        token = traceparent.set(step.traceparent)
        try:
            await self.app(scope, receive, noting)
        except BaseException as raised:
            error = raised
            raise
        finally:
            traceparent.reset(token)
            tracing.end_request(
                step,
                method=scope["method"] if scope["method"] in _METHODS else "OTHER",
                route=route_template(scope),
                status=status or 500,
                error=error,
            )
