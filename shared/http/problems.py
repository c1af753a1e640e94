"""Problem documents (RFC 9457): what a domain error says, and how it becomes an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from shared.http.body import NOT_IN_TEXT
from shared.problem import Problem, ProblemPage, problem_pages

MEDIA_TYPE: Final = "application/problem+json"
TOKEN_PARAMETERS: Final = frozenset({"token", "ballot", "link", "secret"})
__all__ = ["Problem", "ProblemPage", "problem_pages"]
_MAX_ERRORS: Final = 50
_MAX_POINTER: Final = 200


class InvalidRequest(Problem):
    """The request does not fit what this address accepts.

    `errors` names each place, as a JSON pointer into the body or the name of a parameter.
    """

    def __init__(self, detail: str, errors: Iterable[Mapping[str, str]] = ()) -> None:
        super().__init__(detail, errors=list(errors))


class MalformedJson(Problem):
    """The body is not JSON.

    It must be UTF-8, within reasonable depth, and hold numbers of reasonable size.
    """


class NotFound(Problem):
    """There is nothing here.

    The address is unknown, or what it names is not the caller's to see.
    """


class MethodNotAllowed(Problem):
    """This address does not answer that method.

    The header Allow lists the methods that it does answer.
    """


class UnsupportedMediaType(Problem):
    """The body is of a type that this address does not read.

    Send it as application/json.
    """


class TooLarge(Problem):
    """The request is too large."""


class Unauthorised(Problem):
    """This needs credentials, or those given are not valid.

    Send `Authorization: Bearer` with an API key, a user's token or a link's token.
    """

    def __init__(self, detail: str, *, reason: str | None = None) -> None:
        super().__init__(detail)
        error = f', error="{reason}"' if reason else ""
        self.headers["WWW-Authenticate"] = f'Bearer realm="andan"{error}'


class ScopeMissing(Problem):
    """The credentials are valid but do not cover this.

    `scope` names what they lack.
    """


class PreconditionFailed(Problem):
    """The thing has changed since it was read.

    Read it again and send its new ETag in If-Match.
    """


class WrongState(Problem):
    """The thing is not in a state that allows this."""


class IdempotencyKeyReused(Problem):
    """This Idempotency-Key was used before with another request.

    A key stands for one request of one caller for 24 hours.
    """


class RequestInFlight(Problem):
    """A request with the same Idempotency-Key is still being handled."""


class TooManyRequests(Problem):
    """The limit of requests is reached.

    Retry-After tells how many seconds to wait.
    """

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.headers["Retry-After"] = str(retry_after_seconds)


class QueueFull(Problem):
    """More requests are waiting than can be handled in time.

    Nothing was done. Retry-After tells how many seconds to wait.
    """

    def __init__(self, detail: str = "", *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.headers["Retry-After"] = str(retry_after_seconds)


class Unavailable(Problem):
    """A part that this needs is not available at the moment.

    `reasons` names the parts. Retry-After tells how many seconds to wait.
    """

    def __init__(self, detail: str = "", *, retry_after_seconds: int = 1, **members: Any) -> None:
        super().__init__(detail, **members)
        self.headers["Retry-After"] = str(retry_after_seconds)


class Internal(Problem):
    """Something went wrong on our side.

    The request id in X-Request-Id finds it in the logs.
    """


STATUSES: Final[Mapping[type[Problem], int]] = {
    InvalidRequest: 422,
    MalformedJson: 400,
    NotFound: 404,
    MethodNotAllowed: 405,
    UnsupportedMediaType: 415,
    TooLarge: 413,
    Unauthorised: 401,
    ScopeMissing: 403,
    PreconditionFailed: 412,
    WrongState: 409,
    IdempotencyKeyReused: 422,
    RequestInFlight: 409,
    TooManyRequests: 429,
    QueueFull: 503,
    Unavailable: 503,
    Internal: 500,
}
_BY_STATUS: Final[Mapping[int, type[Problem]]] = {
    403: ScopeMissing,
    404: NotFound,
    405: MethodNotAllowed,
    412: PreconditionFailed,
    413: TooLarge,
    415: UnsupportedMediaType,
    422: InvalidRequest,
    500: Internal,
    503: Unavailable,
}
_DETAILS: Final[Mapping[int, str]] = {
    404: "This address is not known here.",
    405: "See the header Allow for the methods that this address answers.",
}


def install_problems(app: FastAPI, statuses: Mapping[type[Problem], int] | None = None) -> None:
    """Make `app` answer every error with a problem document; may be called for each router.

    `statuses` gives a status to the service's own problems (subclasses inherit it); a problem
    that is not listed is a 409: the domain said no.
    """
    known: dict[type[Problem], int] | None = getattr(app.state, "problem_statuses", None)
    if known is not None:
        known.update(statuses or {})
        return
    app.state.problem_statuses = {**STATUSES, **(statuses or {})}
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(Exception, _answer_unexpected)


def problem_response(problem: Problem, status: int, scope: Mapping[str, Any]) -> Response:
    """Write `problem` as a response to the request that `scope` (ASGI) describes."""
    document = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": status,
        "detail": str(problem),
        "instance": _instance(scope),
    }
    document = {**document, **problem.members, **document}
    content = json.dumps(document, ensure_ascii=False, default=str)
    return Response(
        content.encode("utf-8", "backslashreplace"),
        status_code=status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def route_template(scope: Mapping[str, Any]) -> str | None:
    """Return the template of the route that answers, or None where none does."""
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    path = getattr(route, "path_format", None)
    return f"{scope.get('root_path', '')}{path}" if isinstance(path, str) else None


def _instance(scope: Mapping[str, Any]) -> str:
    if TOKEN_PARAMETERS & set(scope.get("path_params", ())):
        return quote(route_template(scope) or "")  # braces are no part of an address
    if route_template(scope) is None and not scope["path"].startswith("/v1/"):
        return "/"  # a path that nobody knows may be a personal link
    return quote(scope["path"][:300].encode("utf-8", "replace"), safe="/:@!$&'()*+,;=~-._")


def _status_of(app: FastAPI, problem: Problem) -> int:
    statuses: Mapping[type[Problem], int] = app.state.problem_statuses
    for kind in type(problem).__mro__:
        if kind in statuses:
            return statuses[kind]
    return HTTPStatus.CONFLICT


async def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error, _status_of(request.app, error), request.scope)


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    return problem_response(Internal(), 500, request.scope)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem: Problem
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        problem = Unauthorised("This needs credentials.")
    elif error.status_code == HTTPStatus.BAD_REQUEST:
        problem = MalformedJson("The body cannot be read as JSON in UTF-8.")
    elif error.status_code in _BY_STATUS:
        problem = _BY_STATUS[error.status_code](_DETAILS.get(error.status_code, ""))
    else:
        problem = Problem(HTTPStatus(error.status_code).phrase)
    problem.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        problem.headers["Allow"] = ", ".join(sorted(_allowed(request)))
    return problem_response(problem, error.status_code, request.scope)


def _allowed(request: Request) -> set[str]:
    methods: set[str] = set()
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        scope = {**request.scope, "method": method, "path_params": {}}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes):
            methods.add(method)
    return methods


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    problem: Problem
    if any(each["type"] == "json_invalid" for each in errors):
        problem = MalformedJson("The body is not valid JSON.")
    elif any(tuple(each["loc"]) == ("body",) for each in errors) and not _sends_json(request):
        problem = UnsupportedMediaType("The body must be sent as application/json.")
    else:
        places = [
            {"pointer": pointer(each["loc"]), "message": _message(each)}
            for each in errors[:_MAX_ERRORS]
        ]
        problem = InvalidRequest("The request does not fit; see errors.", places)
    return problem_response(problem, STATUSES[type(problem)], request.scope)


def _sends_json(request: Request) -> bool:
    has_body = request.headers.get("content-length", "0") != "0" or (
        "transfer-encoding" in request.headers
    )
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    is_json = media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    return is_json or not has_body


def pointer(location: Sequence[int | str]) -> str:
    """Write a place of a request: a JSON pointer (RFC 6901) in the body, else a name."""
    where, *rest = location or ("body",)
    if where != "body":
        return _clean("/".join(str(part) for part in rest) or str(where))
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in rest)
    return _clean("".join(f"/{part}" for part in parts))


def _message(error: Mapping[str, Any]) -> str:
    if error.get("ctx", {}).get("pattern") in NOT_IN_TEXT:
        return "Control characters and marks that turn the direction of text are not taken"
    return _clean(error["msg"])


def _clean(text: str) -> str:
    printable = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    )
    return printable[:_MAX_POINTER]
