"""How fast pages come: the list, an event, a room and the report, on a house that lived a year."""

import asyncio
import gzip
import io
import tempfile
from collections.abc import Iterator, Mapping
from itertools import repeat
from pathlib import Path

import httpx2
from rich.console import Console

from services import demo
from tests.bench.load import Request, drive
from tests.bench.places import CLIENTS, Target, whole_house
from tests.bench.results import Result

PAGES = 400
SIZE_LIMIT_KILOBYTES = 15.0
P99_LIMIT_MS = 500.0


def measure(store: str, environment: Mapping[str, str]) -> list[Result]:
    """Play the demo's year on a house of our own, then ask for its pages by 16 clients at once."""
    begins = {**environment, "ANDAN_REPLAY_FROM": demo.BEGINS.isoformat()}
    with tempfile.TemporaryDirectory() as folder, whole_house(begins, Path(folder)) as target:
        asyncio.run(_live(target))
        results = []
        for name, path in _pages(target).items():
            results += asyncio.run(_measure(target, store, name, path))
    return results


async def _live(target: Target) -> None:
    address = f"http://127.0.0.1:{target.child.port}"
    key = target.headers["authorization"].removeprefix("Bearer ")
    async with httpx2.AsyncClient(base_url=address, timeout=60) as client:
        quiet = Console(file=io.StringIO())
        await demo.play(client, key, mail_folder=target.folder / "mail", console=quiet)
        await demo.move_in(client, key)


def _pages(target: Target) -> dict[str, str]:
    with target.client() as client:
        event = client.get("/v1/events", params={"limit": 1}).json()["items"][0]["id"]
        room = client.get("/v1/rooms").json()["items"][0]["id"]
    return {
        "first page": "/sv/",
        "list of events": "/sv/events",
        "event": f"/sv/events/{event}",
        "room with its week": f"/sv/rooms/{room}",
        "report of the year": "/sv/reports/2023",
    }


async def _measure(target: Target, store: str, name: str, path: str) -> list[Result]:
    with target.client() as client:
        size = len(gzip.compress(client.get(path).raise_for_status().content))
    before = target.child.cpu_seconds
    load = await drive(target.child.port, _gets(path), clients=CLIENTS, count=PAGES)
    cpu = (target.child.cpu_seconds - before) / PAGES * 1e3
    assert load.statuses == {200: PAGES}, load.statuses
    p99 = load.percentile(0.99)
    return [
        Result(f"page: {name}", load.per_second, "1/s", None, store, CLIENTS),
        Result(f"page: {name}, p99", p99, "ms", P99_LIMIT_MS, store, CLIENTS),
        Result(f"page: {name}, to render", cpu, "ms CPU", None, store, CLIENTS),
        Result(f"page: {name}, compressed", size / 1024, "kB", SIZE_LIMIT_KILOBYTES),
    ]


def _gets(path: str) -> Iterator[Request]:
    return repeat(("GET", path, {}, b""))
