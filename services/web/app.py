"""The pages, wired: an app without a store, which asks the gateway for all it shows."""

from fastapi import FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from services.web.assets import Assets
from services.web.mishaps import install_mishaps, mishap
from services.web.neighbours import Api, InHouse, OverHttp
from services.web.page import House, page_of
from services.web.pages import ROUTERS
from services.web.rendering import Rendering
from services.web.settings import Settings
from shared.clock import Clock
from shared.http.headers import MAX_FORM_BYTES, Headers
from shared.http.health import health_router
from shared.http.operations import clock_router
from shared.http.problems import install_problems
from shared.observability import tracing
from shared.observability.metrics import Metrics
from shared.observability.requests import InnerSpan, RequestLine
from shared.security.inner import MISHAP
from shared.security.keyring import Keyring
from shared.service import Quiet

GZIP_FROM_BYTES = 700
GZIP_LEVEL = 6


class Web:
    """The pages at run time: a member of the house that keeps nothing, so it has no store."""

    name = "web"

    def __init__(self, app: FastAPI, clock: Clock, caller: InHouse | OverHttp) -> None:
        self.app = app
        self.clock = clock
        self._caller = caller

    def reach(self, gateway: ASGIApp) -> None:
        """Ask the gateway of this process from now on; it needs the pages to exist first."""
        assert isinstance(self._caller, InHouse)
        self._caller.app = gateway

    async def start(self, *, migrate: bool = True) -> None:
        """Nothing has to be opened: every request finds its own way."""

    def drain(self) -> None:
        """Nothing goes on for ever."""

    async def stop(self) -> None:
        """Give back what is held towards the gateway."""
        await self._caller.close()

    async def quiet(self, *, closely: bool = True) -> Quiet:
        """Say that nothing is left to do: nothing ever is, between two requests."""
        return Quiet(is_quiet=True, activity=0, next_due=None)


def create_service(
    settings: Settings,
    clock: Clock,
    keyring: Keyring,
    metrics: Metrics,
    *,
    behind_gateway: bool = False,
) -> Web:
    """Return the pages; `behind_gateway`: the gateway is in this process, and given by `reach`."""
    inner_key = keyring.inner_key()
    seconds = settings.gateway_seconds
    caller = InHouse(seconds) if behind_gateway else OverHttp(settings.gateway, seconds)
    app = FastAPI(
        title="Andan web",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False},
    )
    app.state.clock = clock
    app.state.inner_key = inner_key
    app.state.house = House(
        Api(caller, inner_key), Rendering(Assets(), settings.time_zone), clock, settings.source
    )
    install_problems(app)
    install_mishaps(app)
    for router in ROUTERS:
        app.include_router(router)
    web = Web(app, clock, caller)
    app.include_router(health_router({}, metrics.registry))
    app.include_router(clock_router(web))
    app.add_middleware(Told)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES, compresslevel=GZIP_LEVEL)
    if not behind_gateway:
        app.add_middleware(Headers, max_body_bytes=MAX_FORM_BYTES)
        app.add_middleware(RequestLine, service="web", metrics=metrics)
    elif tracing.is_on():
        app.add_middleware(InnerSpan, service="web")
    return web


class Told:
    """ASGI middleware: shows the page for what the gateway refused before a page could."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with that page where the gateway says so, else go on."""
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        status = headers.get(MISHAP.encode("ascii"))
        if status is None:
            await self.app(scope, receive, send)
            return
        response = mishap(page_of(Request(scope)), int(status))
        await response(scope, receive, send)
