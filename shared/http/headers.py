"""What every answer carries and every request is held to before a route sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import (
    STATUSES,
    Internal,
    InvalidRequest,
    NotFound,
    Problem,
    TooLarge,
    problem_response,
)
from shared.ids import new_id
from shared.observability.correlation import continue_trace, request_id, traceparent
from shared.observability.tracing import is_untraced

MAX_BODY_BYTES: Final = 65_536
MAX_FORM_BYTES: Final = 2_097_152
"""Of a form for people: 100,000 characters of any script, so that a page can say it is long."""
MAX_QUERY_BYTES: Final = 4_096
_REQUEST_ID: Final = re.compile(rb"[0-9A-Za-z._-]{1,64}")
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f\N{REPLACEMENT CHARACTER}\ud800-\udfff]")
_LAST: Final = "http.response.body"
_SECURITY: Final = (
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Headers:
    """ASGI middleware: request id, trace, limits of size, security headers, and the last catch.

    What a route did not foresee becomes a 500 problem here, inside the request's log line; the
    error itself is left in the scope for that line. A header that the answer already carries
    is not touched, so that a page can say its own policy.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        is_page: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        """`is_page` tells which paths take forms that people send."""
        self.app = app
        self._max_body_bytes = max_body_bytes
        self._is_page = is_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold the request to the limits and hand it on with its correlation set."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(reversed(scope["headers"]))
        given = headers.get(b"x-request-id", b"")
        this_id = given if _REQUEST_ID.fullmatch(given) else new_id().encode()
        trace = _carried_on(scope, headers.get(b"traceparent", b""))
        scope["andan.request_id"] = this_id.decode()
        scope["andan.trace_id"] = None if trace is None else trace[3:35]
        ids = request_id.set(this_id.decode())
        traces = traceparent.set(trace)
        started = finished = False

        async def adding(message: Message) -> None:
            nonlocal started, finished
            if message["type"] == "http.response.start":
                started = True
                _add(message, ((b"x-request-id", this_id), *_SECURITY))
            await send(message)
            finished = started and not message.get("more_body", message["type"] != _LAST)

        try:
            most = MAX_FORM_BYTES if self._is_page(scope["path"]) else self._max_body_bytes
            problem = _refusal(scope, headers, most)
            if problem is None:
                await self.app(scope, _limited(receive, most), adding)
            else:
                await _answer(problem, scope, receive, adding)
        except Exception as error:
            scope["andan.error"] = error
            if started and not finished:
                raise  # half an answer is out: only the server can cut it
            if not started:
                await _answer(Internal("The error was logged."), scope, receive, adding)
        finally:
            request_id.reset(ids)
            traceparent.reset(traces)


def _carried_on(scope: Scope, given: bytes) -> str | None:
    """Return the traceparent of the work at hand: its span's, where it has one."""
    if is_untraced(scope["path"]):
        return None
    if (step := scope.get("andan.step")) is not None:
        return str(step.traceparent)
    return str(continue_trace(given.decode("latin-1")))


def _refusal(scope: Scope, headers: dict[bytes, bytes], most: int) -> Problem | None:
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        return InvalidRequest("The Content-Length is not a number.")
    if len(length) > 18 or int(length) > most:
        return TooLarge(f"A body has at most {most} bytes.")
    if len(scope["query_string"]) > MAX_QUERY_BYTES:
        return TooLarge(f"A query has at most {MAX_QUERY_BYTES} bytes.")
    if _CONTROLS.search(scope["path"]):
        return NotFound("There is nothing here.")
    return None


def _limited(receive: Receive, max_bytes: int) -> Receive:
    """Count what arrives: a body sent in pieces tells no length before."""
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > max_bytes:
            raise HTTPException(413)
        return message

    return counting


def _add(message: Message, wanted: Iterable[tuple[bytes, bytes]]) -> None:
    headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
    present = {name.lower() for name, _ in headers}
    headers.extend(pair for pair in wanted if pair[0] not in present)
    message["headers"] = headers


async def _answer(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    response = problem_response(problem, STATUSES[type(problem)], scope)
    await response(scope, receive, send)
