"""Pages for what goes wrong: nothing here, a neighbour away, a form too old or of another site."""

from contextlib import suppress
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.web.forms import Form, NotOurForm, StaleForm, UnreadableForm
from services.web.neighbours import Away, Refused
from services.web.page import LinkUnknown, Page, page_of

KNOWN: Final = frozenset({401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503})


def install_mishaps(app: FastAPI) -> None:
    """Make `app` answer every error with a page in its reader's language."""
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_missing)
    app.add_exception_handler(Refused, _answer_refused)
    app.add_exception_handler(LinkUnknown, _answer_unknown_link)
    app.add_exception_handler(Away, _answer_away)
    app.add_exception_handler(NotOurForm, _answer_foreign)
    app.add_exception_handler(UnreadableForm, _answer_unreadable)
    app.add_exception_handler(StaleForm, _answer_stale)
    app.add_exception_handler(Exception, _answer_unexpected)


def mishap(page: Page, status: int, **values: Any) -> Response:
    """Return the page for a status; each says what happened and what can be done."""
    shown = status if status in KNOWN else 500 if status >= 500 else 422
    given = {"services": frozenset(), "pairs": None, "key": "", **values}
    return page.render("mishaps/mishap.html", status, private=True, shown=shown, **given)


async def _recognised(request: Request) -> Page:
    page = page_of(request)
    with suppress(Away, Refused):  # the page that says so must not need it
        await page.recognise()
    return page


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = mishap(await _recognised(request), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _answer_missing(request: Request, error: Exception) -> Response:
    return mishap(await _recognised(request), 404)


async def _answer_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    if error.status in (413, 429):
        return _kept(request, error.status)
    is_address = error.status == 422 and request.method in ("GET", "HEAD")
    return mishap(await _recognised(request), 404 if is_address else error.status)


async def _answer_unknown_link(request: Request, error: Exception) -> Response:
    page = await _recognised(request)
    return page.render("registrations/unknown.html", 404, private=True)


async def _answer_away(request: Request, error: Exception) -> Response:
    assert isinstance(error, Away)
    response = _kept(request, 503, services=error.services)
    response.headers["Retry-After"] = "30"
    return response


def _kept(request: Request, status: int, **values: Any) -> Response:
    """Return the page for a status, with what was typed: to be sent again, or to be copied."""
    form: Form | None = getattr(request.state, "form", None)
    told = {"pairs": form.pairs, "key": form.key} if form is not None else {}
    return mishap(page_of(request), status, **values, **told)


async def _answer_foreign(request: Request, error: Exception) -> Response:
    page = page_of(request)
    return page.render("mishaps/foreign.html", 403, private=True)


async def _answer_unreadable(request: Request, error: Exception) -> Response:
    return mishap(page_of(request), 415)


async def _answer_stale(request: Request, error: Exception) -> Response:
    """Show the form again, with all that was typed, so that one button sends it."""
    assert isinstance(error, StaleForm)
    page = await _recognised(request)
    return page.render("mishaps/stale.html", 403, private=True, pairs=error.form.pairs)


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    request.scope["andan.error"] = error
    return _kept(request, 500)
