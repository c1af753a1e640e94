"""The limits that figures stand beside: a bare POST and a bare guarded insert behind FastAPI."""

import os
import sqlite3
import sys
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from shared.ids import new_id

SCHEMA = (
    """
    CREATE TABLE counter (
        id TEXT PRIMARY KEY, capacity INTEGER NOT NULL, taken INTEGER NOT NULL,
        CHECK (taken <= capacity)
    )""",
    "CREATE TABLE place (id TEXT PRIMARY KEY, counter_id TEXT NOT NULL, name TEXT NOT NULL)",
    "INSERT INTO counter VALUES ('c', 1000000000, 0)",
)


class Body(BaseModel):
    """As much as somebody who registers says."""

    name: str
    email: str
    sector: str
    language: str


def bare() -> FastAPI:
    """Return an app that reads a body and answers 201."""
    app = FastAPI()

    @app.post("/", status_code=201)
    async def nothing(body: Body) -> dict[str, str]:
        return {"id": new_id()}

    return app


def sqlite(path: str) -> FastAPI:
    """Return an app that counts and inserts in one transaction of one SQLite connection."""
    app = FastAPI()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=1"):
        connection.execute(f"PRAGMA {pragma}")
    for statement in SCHEMA:
        connection.execute(statement)

    @app.post("/", status_code=201)
    async def insert(body: Body) -> dict[str, str]:
        row = new_id()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "UPDATE counter SET taken = taken + 1 WHERE id = 'c' AND taken < capacity"
        )
        connection.execute("INSERT INTO place VALUES (?, 'c', ?)", (row, body.name))
        connection.execute("COMMIT")
        return {"id": row}

    return app


def postgresql(url: str) -> FastAPI:
    """Return an app that counts and inserts in one transaction of a pool's connection."""
    pool: Any = None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        nonlocal pool
        pool = await asyncpg.create_pool(url, min_size=16, max_size=16)
        for statement in SCHEMA:
            await pool.execute(statement)
        yield
        await pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/", status_code=201)
    async def insert(body: Body) -> dict[str, str]:
        row = new_id()
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "UPDATE counter SET taken = taken + 1 WHERE id = 'c' AND taken < capacity"
            )
            await connection.execute("INSERT INTO place VALUES ($1, 'c', $2)", row, body.name)
        return {"id": row}

    return app


if __name__ == "__main__":
    kind, port = sys.argv[1], int(sys.argv[2])
    target = os.environ.get("BENCH_TARGET", "")
    made = bare() if kind == "bare" else sqlite(target) if kind == "sqlite" else postgresql(target)
    uvicorn.run(made, port=port, log_level="warning", access_log=False)
