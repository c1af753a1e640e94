"""A service's app: its routers behind the same doors, problems and health in every service."""

from typing import TYPE_CHECKING

from fastapi import FastAPI
from sqlalchemy import text

from shared.http.headers import Headers
from shared.http.health import Check, health_router
from shared.http.operations import clock_router, operations_router
from shared.http.problems import install_problems
from shared.http.scopes import with_scopes
from shared.observability import tracing
from shared.observability.metrics import Metrics
from shared.observability.requests import InnerSpan, RequestLine
from shared.security.inner import InnerKey

if TYPE_CHECKING:
    from shared.service import Service


def service_app(
    service: "Service", inner_key: InnerKey, metrics: Metrics, *, behind_gateway: bool
) -> FastAPI:
    """Return the app. `behind_gateway`: the gateway of the same process has done the outer part."""
    app = FastAPI(
        title=f"Andan {service.name}",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"tracing": False, "metrics": False},
    )
    app.state.store = service.store
    app.state.clock = service.clock
    app.state.inner_key = inner_key
    install_problems(app, service.parts.problems)
    for router in service.parts.routers:
        app.include_router(router)
    app.include_router(health_router(_checks(service), metrics.registry))
    app.include_router(clock_router(service))
    app.include_router(operations_router(service))
    with_scopes(app)
    if not behind_gateway:
        app.add_middleware(Headers)
        app.add_middleware(RequestLine, service=service.name, metrics=metrics)
    elif tracing.is_on():
        app.add_middleware(InnerSpan, service=service.name)
    return app


def _checks(service: "Service") -> dict[str, Check]:
    async def store() -> str | None:
        async with service.store.read() as reader:
            await reader.execute(text("SELECT 1"))
        return None

    async def bus() -> str | None:
        if service.broker is None or not service.broker.running:
            return "not connected"
        return None if await service.broker.ping(2) else "no answer"

    async def relay() -> str | None:
        return service.relay.complaint

    async def ledger() -> str | None:
        return None if service.is_up_to_ledger.is_set() else "not all heard"

    checks: dict[str, Check] = {"store": store, "bus": bus, "relay": relay}
    return checks | {"ledger": ledger} if service.ledgers else checks
