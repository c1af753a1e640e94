"""Looking into all that a distributed house keeps: rows, files of both servers, logs, metrics."""

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import httpx2

from services.supervisor import Distributed
from services.topology import WITH_STORE
from shared.testing.postgres import Databases
from tests.connected.house import Servers
from tests.journeys.test_canaries import forms

OWNERS = ("events", "booking", "notifications")
"""The services that persons belong to."""
SECRET = ("mail", "keys", "admin-key", "kafka-passwords")
"""What lies in the data folder for its owner alone."""
WITHOUT_TEXT = (".index", ".timeindex")
"""Kafka's indexes: offsets and times, in files that are mostly holes."""


async def rows_of(postgres: Databases, *services: str) -> dict[str, bytes]:
    """Return every row of every table of the services' databases, as text."""
    found = {}
    for service in services or WITH_STORE:
        connection = await asyncpg.connect(postgres.url(service))
        try:
            for (table,) in await connection.fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ):
                rows = await connection.fetch(f'SELECT t::text FROM "{table}" t')
                found[f"{service}.{table}"] = "\n".join(row[0] for row in rows).encode()
        finally:
            await connection.close()
    return found


async def flushed(postgres: Databases) -> dict[str, str]:
    """Have PostgreSQL write everything to its files; return the folder of each database."""
    connection = await asyncpg.connect(postgres.url())
    try:
        await connection.execute("CHECKPOINT")
        rows = await connection.fetch("SELECT datname, oid FROM pg_database")
    finally:
        await connection.close()
    return {row["datname"]: f"base/{row['oid']}/" for row in rows}


def files_below(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder that can hold text."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in WITHOUT_TEXT
    }


def bus_of(servers: Servers) -> dict[str, bytes]:
    """Return every file of Kafka's: the logs of the topics, and what it wrote itself."""
    return {f"kafka/{name}": each for name, each in files_below(servers.folder / "kafka").items()}


def tables_of(servers: Servers, folders: Mapping[str, str], *, of_owners: bool) -> dict[str, bytes]:
    """Return PostgreSQL's files: those of the owners' databases, or all others but its journal.

    The journal (pg_wal) is that of all databases together, so the owners' rows are in it.
    """
    owned = tuple(f"data/{folders[name]}" for name in OWNERS)
    return {
        f"postgres/{name}": content
        for name, content in files_below(servers.folder / "postgres").items()
        if name.startswith(owned) == of_owners and not name.startswith("data/pg_wal/")
    }


def told_outside(fleet: Distributed) -> dict[str, bytes]:
    """Return what lies in the data folder beside what is its owner's alone: the logs."""
    found = files_below(fleet.folder)
    return {name: each for name, each in found.items() if name.partition("/")[0] not in SECRET}


async def metrics_of(fleet: Distributed) -> dict[str, bytes]:
    """Return the metrics of every process."""
    found = {}
    async with httpx2.AsyncClient(trust_env=False) as client:
        for name, process in fleet.processes.items():
            answer = await client.get(f"{process.address}/metrics")
            found[f"metrics of {name}"] = answer.raise_for_status().content
    return found


def sightings(kept: Mapping[str, bytes], sought: Mapping[str, str]) -> list[str]:
    """Say what of that which is sought lies where."""
    return [
        f"{what} in {where}"
        for where, content in kept.items()
        for what, canary in sought.items()
        if any(form in content for form in (*forms(canary), canary.encode().hex().encode()))
    ]
