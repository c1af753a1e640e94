"""The gateway is ready when everything behind it is."""

import asyncio
from collections.abc import Mapping
from typing import Final

from services.gateway.upstreams import Upstream
from shared.http.problems import Unavailable

_PATIENCE_SECONDS: Final = 3.0


async def all_ready(upstreams: Mapping[str, Upstream]) -> None:
    """Raise Unavailable with the reason of each service that is not ready."""
    found = await asyncio.gather(*(_reason(each) for each in upstreams.values()))
    reasons = {name: why for name, why in zip(upstreams, found, strict=True) if why}
    if reasons:
        raise Unavailable("Not ready: " + ", ".join(reasons), reasons=reasons)


async def _reason(upstream: Upstream) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await upstream.ready()
    except TimeoutError:
        return f"no answer within {_PATIENCE_SECONDS:g} s"
    except Exception as error:  # noqa: BLE001 -- whatever it is, the service is not ready
        return type(error).__name__
