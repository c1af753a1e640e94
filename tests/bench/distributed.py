"""The house as processes on Kafka and PostgreSQL: start, rush, commit to effect, memory."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.supervisor import Distributed, distributed
from shared.testing.kafka import KafkaServer
from shared.testing.ports import free_port
from shared.testing.postgres import PostgresServer
from tests.bench.ground import execute, fetch
from tests.bench.load import answer, encode
from tests.bench.memory import of_process, together
from tests.bench.places import (
    BOOKINGS,
    CLIENTS,
    REGISTRATIONS,
    UNLIMITED,
    Target,
    book,
    event,
    register,
    registrations,
)
from tests.bench.results import Result
from tests.bench.servers import Child

STORE = "postgresql"
A_SECOND = 100
SECONDS = 30
WARM = 200
CONNECTIONS = 32
EFFECT_LIMIT_MS = 250.0
MEMORY_LIMIT_MIB = 180.0
PATIENCE_SECONDS = 180

_WATCH = """
    CREATE TABLE bench_noted (about text NOT NULL);
    CREATE FUNCTION bench_note() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO bench_noted VALUES (new.about); RETURN new; END';
    CREATE TRIGGER bench_note AFTER INSERT ON delivery FOR EACH ROW EXECUTE FUNCTION bench_note()
"""
"""Keeps, of each letter, a row that nothing changes again: it has the time of the commit."""
_COMMITTED = "SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin)) AS at FROM registration"
_NOTED = "SELECT about, extract(epoch FROM pg_xact_commit_timestamp(xmin)) AS at FROM bench_noted"


def measure() -> list[Result]:
    """Start the house, register at a steady pace, weigh its processes, then let a rush in."""
    with tempfile.TemporaryDirectory() as name, _house(Path(name)) as (house, started_in):
        rest = together(_pids(house).values())
        target = _target(house)
        results = [
            Result("start of the distributed house, its servers there", started_in, "s"),
            Result("memory of all processes after the start", rest, "MiB"),
            *asyncio.run(_effect(house, target)),
            *_memory(house),
        ]
        for what, run, count in (
            ("registration", register, REGISTRATIONS),
            ("booking", book, BOOKINGS),
        ):
            load = asyncio.run(run(target, count))
            title = f"{what} through the gateway of the distributed house"
            results += [
                Result(title, load.per_second, "1/s", None, STORE, CLIENTS),
                Result(f"{title}, p99", load.percentile(0.99), "ms", None, STORE, CLIENTS),
            ]
        return results


@contextmanager
def _house(folder: Path) -> Iterator[tuple[Distributed, float]]:
    """Run the house on servers of our own: this PostgreSQL notes when a row was committed."""
    settings = {"track_commit_timestamp": "on", "max_connections": "300"}
    postgres = PostgresServer(folder / "postgres", settings=settings)
    kafka = KafkaServer(folder / "kafka")
    try:
        postgres.start()
        kafka.start()
        began = time.perf_counter()
        with distributed(
            folder / "house", free_port(), kafka=kafka, postgres=postgres, environment=UNLIMITED
        ) as house:
            yield house, time.perf_counter() - began
    finally:
        kafka.stop()
        postgres.stop()


def _target(house: Distributed) -> Target:
    gateway = house.processes["gateway"]
    assert gateway.child is not None
    key = (house.folder / "admin-key").read_text().strip()
    headers = {"authorization": f"Bearer {key}"}
    return Target(Child(gateway.child, gateway.port, 0.0), headers, house.folder)


async def _effect(house: Distributed, target: Target) -> list[Result]:
    """Measure from the commit of a registration to the commit of the letter that it causes."""
    await execute(house.postgres.url("notifications"), _WATCH)
    event_id = event(target)
    await _pace(target, event_id, WARM)
    answered = await _pace(target, event_id, A_SECOND * SECONDS)
    committed = {
        row["id"]: float(row["at"]) for row in await fetch(house.postgres.url("events"), _COMMITTED)
    }
    noted = await _noted(house, len(committed))
    assert noted.keys() == committed.keys(), "not every registration has its letter"
    late = sorted(committed, key=committed.__getitem__)[WARM:]
    took = sorted((noted[each] - committed[each]) * 1e3 for each in late)
    pace = f"at {A_SECOND} registrations a second"
    return [
        Result(f"commit to effect {pace}, p50", _share(took, 0.5), "ms", None, STORE),
        Result(f"commit to effect {pace}, p99", _share(took, 0.99), "ms", EFFECT_LIMIT_MS, STORE),
        Result(f"commit to effect {pace}, most", took[-1], "ms", None, STORE),
        Result(f"answered {pace}, p99", _share(answered, 0.99) * 1e3, "ms", None, STORE),
    ]


async def _noted(house: Distributed, how_many: int) -> dict[str, float]:
    """Return when each letter was committed, once there are so many."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            rows = await fetch(house.postgres.url("notifications"), _NOTED)
            if len(rows) >= how_many:
                return {row["about"]: float(row["at"]) for row in rows}
            await asyncio.sleep(0.5)


async def _pace(target: Target, event_id: str, count: int) -> list[float]:
    """Send so many registrations, each at its time whatever became of those before.

    Returns the seconds from when each was to be sent to its answer, sorted.
    """
    rows = registrations(event_id, target.headers)
    loop = asyncio.get_running_loop()
    began = loop.time() + 0.1
    number = 0
    took: list[float] = []

    async def connection() -> None:
        nonlocal number
        reader, writer = await asyncio.open_connection("127.0.0.1", target.child.port)
        while number < count:
            at = began + number / A_SECOND
            number += 1
            await asyncio.sleep(at - loop.time())
            writer.write(encode(next(rows)))
            status = await answer(reader)
            assert status == 201, status
            took.append(loop.time() - at)
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return sorted(took)


def _memory(house: Distributed) -> list[Result]:
    after = f"after {A_SECOND * SECONDS + WARM:,} registrations"
    pids = _pids(house)
    return [
        *(
            Result(f"memory of {name} {after}", of_process(pid), "MiB", MEMORY_LIMIT_MIB)
            for name, pid in pids.items()
        ),
        Result(f"memory of all processes {after}", together(pids.values()), "MiB"),
    ]


def _pids(house: Distributed) -> dict[str, int]:
    return {each.name: each.child.pid for each in house.processes.values() if each.child}


def _share(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]
