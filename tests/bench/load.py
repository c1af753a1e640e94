"""A small bounded driver: so many clients, so many requests, over kept connections to 127.0.0.1."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What a run measured; latencies in seconds, sorted."""

    seconds: float
    latencies: list[float]
    statuses: dict[int, int]

    @property
    def per_second(self) -> float:
        """Requests answered per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency that this share of requests stayed within, in milliseconds."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))] * 1e3


Request = tuple[str, str, dict[str, str], bytes]
"""Method, path, headers, body."""


def encode(request: Request) -> bytes:
    """Return a request as HTTP/1.1."""
    method, path, headers, body = request
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append("content-type: application/json")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def drive(port: int, requests: Iterator[Request], *, clients: int, count: int) -> Load:
    """Send `count` of `requests` by `clients` at once, each waiting for its answer."""
    left = count
    latencies: list[float] = []
    statuses: dict[int, int] = {}

    async def client() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while left > 0:
            left -= 1
            raw = encode(next(requests))
            began = time.perf_counter()
            writer.write(raw)
            status = await answer(reader)
            latencies.append(time.perf_counter() - began)
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return Load(time.perf_counter() - began, sorted(latencies), statuses)


async def answer(reader: asyncio.StreamReader) -> int:
    """Read one response with a Content-Length; return its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    for line in head.split(b"\r\n")[1:]:
        if line[:15].lower() == b"content-length:":
            await reader.readexactly(int(line[15:]))
    return status


def posts(path: str, body: Callable[[int], bytes], headers: dict[str, str]) -> Iterator[Request]:
    """Return an endless row of POSTs, each with a body of its own."""
    number = 0
    while True:
        number += 1
        yield "POST", path, headers, body(number)
