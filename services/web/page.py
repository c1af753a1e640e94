"""What a page has at hand: its language, the API in its visitor's name, its form, its templates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.web.forms import (
    COOKIE,
    Form,
    StaleForm,
    check_sender,
    hidden_fields,
    is_fresh,
    new_cookie,
    read_form,
)
from services.web.neighbours import Api, Refused
from services.web.rendering import Rendering
from services.web.words import Language
from shared.clock import Clock

SESSION_COOKIE: Final = "andan_session"
_LONGEST_SESSION: Final = 256
_SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PRIVATE: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


class _LanguageConvertor(Convertor[str]):
    """A language in a path: nothing else is one, so that a typing error is not a page."""

    regex = "|".join(Language)

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("language", _LanguageConvertor())


class _PageRouter(APIRouter):
    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        options["include_in_schema"] = False
        options["response_model"] = None
        methods = set(options.get("methods") or ["GET"])
        options["methods"] = methods | {"HEAD"} if "GET" in methods else methods
        super().add_api_route(path.replace("{lang}", "{lang:language}"), endpoint, **options)


def page_router() -> APIRouter:
    """Return a router for pages: `{lang}` is a language we have, GET answers HEAD too."""
    return _PageRouter()


class LinkUnknown(Exception):
    """A link is not one of ours, or what it was for is no more"""


@dataclass(frozen=True)
class House:
    """What all pages share."""

    api: Api
    rendering: Rendering
    clock: Clock
    source: str

    @property
    def is_secure(self) -> bool:
        """Whether visitors come over TLS."""
        return self.source.startswith("https://")


class Page:
    """One request for a page."""

    def __init__(self, request: Request, house: House, language: Language) -> None:
        self.request = request
        self.lang: Language = language
        self.house = house
        self.now: datetime = house.clock.now()
        self.signed_in: frozenset[str] | None = None
        """The scopes of who has signed in, or None."""
        self.api = house.api
        self._catalogue = house.rendering.catalogues[language]
        self.word = self._catalogue.word
        self._cookie = self.cookie(COOKIE)
        self._new_cookie: str | None = None
        self._lost_session = False

    def gettext(self, text: str, **values: object) -> str:
        """Return a text in the page's language, its %(names)s filled in."""
        return self._catalogue.say(text, **values) if values else self._catalogue.gettext(text)

    def ngettext(self, one: str, many: str, num: int, **values: object) -> str:
        """Return the form that goes with `num`, which %(num)s shows."""
        return self._catalogue.ngettext(one, many, num) % {"num": num, **values}

    @property
    def zone(self) -> str:
        """The zone of the house."""
        return self.house.rendering.time_zone

    @property
    def path(self) -> str:
        """The address without its language: what it is called in the others."""
        return self.request.url.path.removeprefix(f"/{self.lang}") or "/"

    async def form(self) -> Form:
        """Return what was typed, once it is sure that our own page sent it.

        Raises what becomes a page of its own: NotOurForm, UnreadableForm, StaleForm, which keeps
        what was typed.
        """
        request = self.request
        own = {request.headers.get("host", ""), self.house.source.partition("://")[2].strip("/")}
        check_sender(request.headers, frozenset(own))
        form = read_form(await request.body(), request.headers.get("content-type", ""))
        if not is_fresh(form, self._cookie):
            raise StaleForm(form)
        request.state.form = form
        return form

    def render(
        self, template: str, status: int = 200, *, private: bool = False, **values: Any
    ) -> Response:
        """Return the page of a template; `private` where its address is somebody's secret.

        Give `errors` ({field: sentence}) and `values` with status 422 where a form is wrong.
        """
        given: dict[str, Any] = {"errors": {}, "values": {}, "private": private, **values}
        given.update(
            page=self,
            path=self.path,
            now=self.now,
            signed_in=self.signed_in,
            form_fields=self._form_fields,
        )
        body = self.house.rendering.render(self.lang, template, **given)
        response = HTMLResponse(body, status, headers=dict(_SECURITY))
        return self.dress(response, private=private or self.signed_in is not None)

    def redirect(self, path: str, fragment: str = "") -> Response:
        """Send the browser to a page of this language, after something was done."""
        mark = f"#{fragment}" if fragment else ""
        response = RedirectResponse(f"/{self.lang}{path}{mark}", 303, headers=dict(_SECURITY))
        return self.dress(response, private=True)

    def file(
        self, content: bytes, media_type: str, name: str, *, private: bool = False
    ) -> Response:
        """Return a file that a browser saves or opens under `name`."""
        headers = {**_SECURITY, "Content-Disposition": f'attachment; filename="{name}"'}
        return self.dress(
            Response(content, media_type=media_type, headers=headers), private=private
        )

    def dress(self, response: Response, *, private: bool) -> Response:
        """Give a response what every answer to a page carries."""
        for name, value in (_PRIVATE if private else {"Cache-Control": "no-cache"}).items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Language", str(self.lang))
        if self._new_cookie is not None:
            response.headers["Cache-Control"] = "no-store"
            self.set_cookie(response, COOKIE, self._new_cookie)
        if self._lost_session:
            self.drop_cookie(response, SESSION_COOKIE)
        return response

    def cookie(self, name: str) -> str | None:
        """Return the value of one of our cookies."""
        return self.request.cookies.get(self._cookie_name(name))

    def set_cookie(
        self, response: Response, name: str, value: str, seconds: int | None = None
    ) -> None:
        """Give a browser a cookie that no script reads and no other site sends."""
        response.set_cookie(
            self._cookie_name(name),
            value,
            max_age=seconds,
            httponly=True,
            samesite="lax",
            secure=self.house.is_secure,
        )

    def drop_cookie(self, response: Response, name: str) -> None:
        """Have a browser forget one of our cookies."""
        self.set_cookie(response, name, "", 0)

    def _cookie_name(self, name: str) -> str:
        """Return the name in the browser: over TLS one that no neighbouring host can set."""
        return f"__Host-{name}" if self.house.is_secure else name

    async def recognise(self) -> None:
        """Learn who has signed in from the browser's session; one that is over is forgotten."""
        token = self.cookie(SESSION_COOKIE)
        if not token or len(token) > _LONGEST_SESSION or not token.isascii():
            return
        theirs = self.house.api.holding(token)
        try:
            session = await theirs.get("/v1/sessions/current")
        except Refused as refused:
            self._lost_session = refused.status == 401
            return
        self.api = theirs
        self.signed_in = frozenset(session["scopes"])

    def _form_fields(self, key: str = "") -> Markup:
        if not self._cookie:
            self._cookie = self._new_cookie = new_cookie()
        return hidden_fields(self._cookie, key=key)


def language_of(path_params: Mapping[str, Any], accepted: str) -> Language:
    """Return the language of an address, else the one that a browser wants most, of ours."""
    if (told := path_params.get("lang")) in set(Language):
        return Language(told)
    best, weight = Language.SWEDISH, 0.0
    for part in accepted[:1_000].lower().split(","):
        name, _, quality = part.strip().partition(";")
        try:
            wanted = float(quality.strip().removeprefix("q=")) if quality else 1.0
        except ValueError:
            wanted = 0.0
        code = name.strip().partition("-")[0]
        if code in set(Language) and wanted > weight:
            best, weight = Language(code), wanted
    return best


def page_of(request: Request) -> Page:
    """Return the page of a request, before anybody is recognised."""
    house: House = request.app.state.house
    accepted = request.headers.get("accept-language", "")
    first = request.url.path[1:].partition("/")[0]
    language = language_of({"lang": first, **request.path_params}, accepted)
    return Page(request, house, language)


async def _page(request: Request) -> Page:
    page = page_of(request)
    await page.recognise()
    return page


PageDep = Annotated[Page, Depends(_page)]
