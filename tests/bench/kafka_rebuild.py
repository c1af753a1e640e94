"""How fast reporting tells years anew from Kafka into PostgreSQL; `MESSAGES=` says of how many."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

from services.reporting.messages import figures
from tests.bench.consumers import append
from tests.bench.ground import Ground, ground
from tests.bench.messages import houses
from tests.bench.results import Result
from tests.bench.servers import server

MESSAGES = int(os.environ.get("MESSAGES", "100000"))


def measure() -> list[Result]:
    """Fill the topics, start reporting on a new store, and time it until nothing is unread."""
    with tempfile.TemporaryDirectory() as folder, ground(Path(folder)) as on:
        began = time.perf_counter()
        assert asyncio.run(append(on, houses(MESSAGES))) == MESSAGES
        filled = MESSAGES / (time.perf_counter() - began)
        with server("services", "reporting", ready="/livez", environment=on.environment) as child:
            started = child.cpu_seconds
            seconds = asyncio.run(_read(on))
            memory, cpu = child.mebibytes, (child.cpu_seconds - started) / MESSAGES * 1e6
    of = f"{MESSAGES:,} messages"
    return [
        Result(f"bare producer fills the topics with {of}", filled, "messages/s"),
        Result(
            f"reporting rebuilds from {of}", MESSAGES / seconds, "messages/s", 5_000.0, "postgresql"
        ),
        Result("cost of a message rebuilt", cpu, "µs CPU", None, "postgresql"),
        Result(f"memory of reporting after {of}", memory, "MiB", 180.0, "postgresql"),
    ]


async def _read(on: Ground) -> float:
    """Return the seconds from the first effect to the last."""
    taken = await on.taken("reporting", figures.group)
    while not taken.count:
        await asyncio.sleep(0.25)
        taken = await on.taken("reporting", figures.group)
    await on.until_read(figures.group, figures.topics)
    taken = await on.taken("reporting", figures.group)
    return taken.last - taken.first
