"""The three addresses that every process has for those who run it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from shared.http.problems import Unavailable

Check = Callable[[], Awaitable[str | None]]
"""Returns None when its part works, else the reason in a word or two; raising is a reason too."""

_PATIENCE_SECONDS: Final = 2.0


def health_router(checks: Mapping[str, Check], registry: CollectorRegistry) -> APIRouter:
    """Return /livez, /readyz (503 with the reasons while a check fails) and /metrics."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz() -> dict[str, str]:
        found = await asyncio.gather(*(_reason(check) for check in checks.values()))
        reasons = {name: why for name, why in zip(checks, found, strict=True) if why}
        if reasons:
            raise Unavailable("Not ready: " + ", ".join(reasons), reasons=reasons)
        return {"status": "ready"}

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


async def _reason(check: Check) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await check()
    except TimeoutError:
        return f"no answer within {_PATIENCE_SECONDS:g} s"
    except Exception as error:  # noqa: BLE001 -- whatever a part raises, it is not ready
        return type(error).__name__  # a message could hold an address with its password
