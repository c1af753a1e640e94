"""What the gateway's hop costs: `python -m tests.gateway.hop` writes its microseconds as JSON."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from services.gateway.door import Door
from shared.http.headers import Headers
from shared.observability.logs import configure_logs
from shared.observability.requests import RequestLine
from shared.security.inner import HEADER
from shared.security.principal import Principal
from tests.gateway.house import house

_PLAIN = [(b"host", b"andan"), (b"user-agent", b"hop/1"), (b"accept", b"*/*")]
_UNLIMITED: dict[str, Any] = {
    "rate_key_a_second": 1_000_000,
    "rate_key_burst": 1_000_000,
    "rate_public_a_minute": 1_000_000,
}


async def measure_hop(folder: Path, *, times: int = 2_000) -> dict[str, float]:
    """Return microseconds of CPU: a service alone, through the gateway, what each layer adds.

    Authentication by key, the rate limit, request id, trace and the log line are in; the network
    and the server are not. Where log lines go is the caller's business.
    """
    async with house(folder, **_UNLIMITED) as it:
        return await _measured(it, times)


async def _measured(it: Any, times: int) -> dict[str, float]:
    key = await it.key("booking:read")
    who = Principal(kind="key", id=key.split("_")[1], scopes=frozenset({"booking:read"}))
    token = it.gateway.app.state.inner_key.mint(who).encode()
    outside = [*_PLAIN, (b"authorization", f"Bearer {key}".encode())]
    inside = [*_PLAIN, (HEADER.encode(), token)]
    await _cost(it.gateway.app, outside, 10)
    layers = {type(layer): layer for layer in _layers(it.gateway.app.middleware_stack)}
    service = await _cost(it.behind.app, inside, times)
    door = await _cost(layers[Door], outside, times)
    headers = await _cost(layers[Headers], outside, times)
    line = await _cost(layers[RequestLine], outside, times)
    whole = await _cost(it.gateway.app, outside, times)
    return {
        "service": service,
        "gateway": whole,
        "hop": whole - service,
        "door": door - service,
        "headers": headers - door,
        "request_line": line - headers,
        "framework": whole - line,
    }


def _layers(layer: Any) -> Iterable[Any]:
    while layer is not None:
        yield layer
        layer = getattr(layer, "app", None)


async def _cost(app: Any, headers: list[tuple[bytes, bytes]], times: int) -> float:
    """Return the microseconds of CPU of one call: the best of five rounds."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(times // 5):
            await app(_scope(headers), _receive, _send)
        best = min(best, (time.process_time() - began) / (times // 5))
    return best * 1e6


def _scope(headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/rooms",
        "raw_path": b"/v1/rooms",
        "root_path": "",
        "query_string": b"",
        "headers": list(headers),
        "client": ("192.0.2.7", 1),
        "server": ("andan", 80),
    }


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: Any) -> None:
    pass


def main() -> None:
    """Measure with log lines written to nowhere."""
    with open(os.devnull, "w") as nowhere, tempfile.TemporaryDirectory() as folder:
        configure_logs(stream=nowhere, json_lines=True)
        costs = asyncio.run(measure_hop(Path(folder)))
    json.dump({name: round(value, 1) for name, value in costs.items()}, sys.stdout)


if __name__ == "__main__":
    main()
