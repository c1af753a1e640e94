"""What the whole house costs: start, memory, growth, and the way from a commit to its effect."""

import asyncio
import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from tests.bench.load import drive
from tests.bench.places import CLIENTS, all_created, event, registrations, service, whole_house
from tests.bench.results import Result

LETTERS = 200
LETTERS_A_SECOND = 20
GROWTH = 20_000
STEP = 1_000
_TO = re.compile(rb"^To: .*<(.+?)>\r?$", re.MULTILINE | re.IGNORECASE)


def start(environment: Mapping[str, str]) -> list[Result]:
    """Measure from the start of the process to the first ready answer, and memory at rest."""
    with tempfile.TemporaryDirectory() as folder:
        with whole_house(environment, Path(folder)) as target:
            fresh = target.child.started_in
        with whole_house(environment, Path(folder)) as target:
            again = target.child.started_in
            memory = target.child.mebibytes
    return [
        Result("start of the house, new stores", fresh, "s", 4.0),
        Result("start of the house, stores there", again, "s", 4.0),
        Result("memory of the house after its start", memory, "MiB", 250.0),
    ]


async def effect(store: str, environment: Mapping[str, str]) -> list[Result]:
    """Measure from the 201 of a registration to its letter, at a steady pace."""
    with tempfile.TemporaryDirectory() as folder, whole_house(environment, Path(folder)) as target:
        event_id = event(target)
        address = f"http://127.0.0.1:{target.child.port}/v1/events/{event_id}/registrations"
        committed: dict[str, float] = {}
        async with httpx2.AsyncClient(headers=target.headers) as client:
            for number in range(LETTERS + 20):
                email = f"letter{number}@example.org"
                body = {
                    "name": f"Person {number}",
                    "contact": {"email": email},
                    "sector": "association",
                    "language": "sv",
                }
                answer = await client.post(address, json=body)
                answer.raise_for_status()
                if number >= 20:  # the first ones load templates
                    committed[email] = datetime.now(UTC).timestamp()
                await asyncio.sleep(1 / LETTERS_A_SECOND)
        await asyncio.sleep(2)
        written = _written(Path(folder) / "mail")
        memory = target.child.mebibytes
    took = sorted(max(0.0, written[email] - at) * 1e3 for email, at in committed.items())
    return [
        Result("commit to letter, p50", took[len(took) // 2], "ms", None, store),
        Result("commit to letter, p99", took[int(len(took) * 0.99)], "ms", 100.0, store),
        Result("memory of the house after 220 registrations", memory, "MiB", 250.0),
    ]


def _written(folder: Path) -> dict[str, float]:
    times: dict[str, float] = {}
    for path in folder.glob("*.eml"):
        if found := _TO.search(path.read_bytes()):
            times[found[1].decode()] = path.stat().st_mtime
    return times


async def growth(store: str, environment: Mapping[str, str]) -> list[Result]:
    """Measure the processor time of a registration at the first and at the 20,000th."""
    async with service("events", environment) as target:
        rows = registrations(event(target), target.headers)
        costs = []
        for _ in range(GROWTH // STEP):
            before = target.child.cpu_seconds
            target.renew()
            all_created(await drive(target.child.port, rows, clients=CLIENTS, count=STEP))
            costs.append((target.child.cpu_seconds - before) / STEP * 1e6)
        memory = target.child.mebibytes
    first, last = costs[1], sum(costs[-3:]) / 3
    return [
        Result("cost of a registration after 1,000", first, "µs CPU", None, store, CLIENTS),
        Result("cost of a registration after 20,000", last, "µs CPU", first, store, CLIENTS),
        Result("memory of events after 20,000", memory, "MiB", None, store, CLIENTS),
    ]
