"""`make bench`: measures, prints a table, writes var/bench/results.json.

Every limit is measured in the same run, or is a goal in the same unit. `ONLY=` names the parts to
run, separated by commas: drivers, start, hop, effect, rebuild, report, pages, sqlite,
postgresql.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex

from rich.console import Console

from services.topology import WITH_STORE
from shared.observability.logs import configure_logs
from shared.testing.postgres import PostgresServer
from tests.bench import drivers, house, pages, places, rebuild, report
from tests.bench.results import Result, show, write
from tests.gateway.hop import measure_hop

PARTS = ("drivers", "start", "hop", "effect", "rebuild", "report", "pages", "sqlite", "postgresql")


@contextmanager
def _postgres() -> Iterator[PostgresServer]:
    server = PostgresServer().start()
    try:
        yield server
    finally:
        server.stop()


def _sqlite() -> list[Result]:
    with tempfile.TemporaryDirectory() as folder:
        bare = asyncio.run(places.insert_limit("bare", ""))
        limit = asyncio.run(places.insert_limit("sqlite", str(Path(folder) / "limit.sqlite")))
    return [
        Result("bare FastAPI POST", bare.per_second, "1/s", None, None, places.CLIENTS),
        *asyncio.run(places.measure("sqlite", _fresh_files, limit)),
        *asyncio.run(house.growth("sqlite", {})),
    ]


def _postgresql() -> list[Result]:
    with _postgres() as server:
        bare = asyncio.run(server.create_database())
        limit = asyncio.run(places.insert_limit("postgresql", bare))
        fresh = partial(_fresh_databases, server)
        return [
            *asyncio.run(places.measure("postgresql", fresh, limit)),
            *asyncio.run(house.growth("postgresql", asyncio.run(fresh()))),
        ]


async def _fresh_files() -> dict[str, str]:
    return {}


async def _fresh_databases(server: PostgresServer) -> dict[str, str]:
    prefix = token_hex(4)
    for name in WITH_STORE:
        await server.create_database(f"{prefix}_{name}")
    return {"DATABASE_URL": server.url(f"{prefix}_{{service}}")}


def _drivers() -> list[Result]:
    figures = asyncio.run(drivers.measure())
    bare = figures["bare sqlite3"] * 1e6
    return [
        Result(f"guarded insert, {name}", seconds * 1e6, "µs", bare, "sqlite", 1)
        for name, seconds in figures.items()
    ]


def _hop() -> list[Result]:
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure_hop(Path(folder)))
    return [Result("the gateway's hop, embedded", figures["hop"], "µs CPU", 60.0, None, 1)]


def main() -> None:
    """Run the parts that are asked for, one after another, and tell the results."""
    wanted = [part for part in os.environ.get("ONLY", ",".join(PARTS)).split(",") if part]
    runs = {
        "drivers": _drivers,
        "start": house.start,
        "hop": _hop,
        "effect": lambda: asyncio.run(house.effect()),
        "rebuild": lambda: asyncio.run(rebuild.measure()),
        "report": lambda: asyncio.run(report.measure()),
        "pages": pages.measure,
        "sqlite": _sqlite,
        "postgresql": _postgresql,
    }
    results: list[Result] = []
    console = Console(stderr=True)
    with open(os.devnull, "w") as nowhere:
        configure_logs(stream=nowhere, json_lines=True)
        for part in wanted:
            console.print(f"measuring: {part} …")
            results += runs[part]()
    show(results)
    write(results)


if __name__ == "__main__":
    main()
