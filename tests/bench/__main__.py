"""`make bench`: measures, prints a table, writes a file below var/bench.

Every limit is measured in the same run, or is a goal in the same unit. `STORE=` (sqlite,
postgresql) and `BUS=` (embedded, kafka) say on what; on Kafka every service is a process of its
own. `ONLY=` names the parts to run, separated by commas; `MESSAGES=` how many are rebuilt from.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex

from rich.console import Console

from services.topology import WITH_STORE
from shared.observability.logs import configure_logs
from shared.testing.postgres import PostgresServer
from tests.bench import (
    consumers,
    distributed,
    drivers,
    house,
    kafka_rebuild,
    pages,
    places,
    rebuild,
    report,
)
from tests.bench.ground import ground
from tests.bench.results import Result, show, write
from tests.gateway.hop import measure_hop

Part = Callable[[], list[Result]]
Environment = Mapping[str, str]


@contextmanager
def _postgres() -> Iterator[PostgresServer]:
    server = PostgresServer().start()
    try:
        yield server
    finally:
        server.stop()


def _on_postgresql(part: Callable[[Environment], list[Result]]) -> Part:
    """Return the part with new databases to run on."""

    def run() -> list[Result]:
        with _postgres() as server:
            return part(asyncio.run(_fresh_databases(server)))

    return run


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


def _services() -> list[Result]:
    """Measure the services alone on PostgreSQL, each the only one on Kafka."""
    with tempfile.TemporaryDirectory() as folder, ground(Path(folder)) as on:
        bare = asyncio.run(on.postgres.create_database())
        limit = asyncio.run(places.insert_limit("postgresql", bare))
        given = {"KAFKA_BOOTSTRAP_SERVERS": on.kafka.bootstrap_servers}

        async def fresh() -> Environment:
            return await _fresh_databases(on.postgres) | given

        return [
            *asyncio.run(places.measure("postgresql", fresh, limit, with_house=False)),
            *asyncio.run(house.growth("postgresql", asyncio.run(fresh()))),
        ]


async def _fresh_files() -> Environment:
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


def _effect(store: str, environment: Environment) -> list[Result]:
    return asyncio.run(house.effect(store, environment))


def _report(store: str, environment: Environment) -> list[Result]:
    return asyncio.run(report.measure(store, environment))


EMBEDDED: dict[str, Part] = {
    "drivers": _drivers,
    "start": lambda: house.start({}),
    "hop": _hop,
    "effect": lambda: _effect("sqlite", {}),
    "rebuild": lambda: asyncio.run(rebuild.measure()),
    "report": lambda: _report("sqlite", {}),
    "pages": lambda: pages.measure("sqlite", {}),
    "sqlite": _sqlite,
    "postgresql": _postgresql,
}
"""One process on the embedded bus: on files, and what PostgreSQL is apart in."""

ON_POSTGRESQL: dict[str, Part] = {
    "start": _on_postgresql(house.start),
    "effect": _on_postgresql(partial(_effect, "postgresql")),
    "report": _on_postgresql(partial(_report, "postgresql")),
    "pages": _on_postgresql(partial(pages.measure, "postgresql")),
    "postgresql": _postgresql,
}
"""One process on the embedded bus and PostgreSQL."""

DISTRIBUTED: dict[str, Part] = {
    "house": distributed.measure,
    "services": _services,
    "consumers": consumers.measure,
    "rebuild": kafka_rebuild.measure,
    "report": ON_POSTGRESQL["report"],
}
"""A process per service on Kafka and PostgreSQL."""

PLANS = {
    ("sqlite", "embedded"): EMBEDDED,
    ("postgresql", "embedded"): ON_POSTGRESQL,
    ("postgresql", "kafka"): DISTRIBUTED,
}


def main() -> int:
    """Run the parts that are asked for, one after another, and tell the results."""
    bus = os.environ.get("BUS") or "embedded"
    store = os.environ.get("STORE") or ("postgresql" if bus == "kafka" else "sqlite")
    plan = PLANS.get((store, bus))
    only = [part for part in os.environ.get("ONLY", "").split(",") if part]
    if plan is None or set(only) - plan.keys():
        for (on, over), parts in PLANS.items():
            print(f"STORE={on} BUS={over} has the parts {', '.join(parts)}", file=sys.stderr)
        return 2
    results: list[Result] = []
    console = Console(stderr=True)
    with open(os.devnull, "w") as nowhere:
        configure_logs(stream=nowhere, json_lines=True)
        for part in only or plan:
            console.print(f"measuring: {part} …")
            results += plan[part]()
    show(results)
    is_usual = plan is EMBEDDED
    write(results, "results.json" if is_usual else f"{store}-{bus}.json", keep=bool(only))
    return 0


if __name__ == "__main__":
    sys.exit(main())
