"""What a guarded insert costs on SQLite by way of its driver: the figures of ADR-0001."""

import asyncio
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import event, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from shared.ids import new_id
from shared.store.engines import open_engines
from tests.toy.lender.service import Loan, Shelf, Table

ROUNDS = 1_500


def _bare(path: Path) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    began = time.perf_counter()
    for _ in range(ROUNDS):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE shelf SET taken = taken + 1 WHERE id = 's' AND taken < capacity")
        connection.execute("INSERT INTO loan VALUES (?, 's', 1)", (new_id(),))
        connection.execute("COMMIT")
    return (time.perf_counter() - began) / ROUNDS


async def _orm(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as work, work.begin():
        shelf = (await work.scalars(select(Shelf).where(Shelf.id == "s"))).one()  # type: ignore[arg-type]  # a column
        shelf.taken += 1
        work.add(Loan(id=new_id(), shelf_id="s", place=1))


async def _core(engine: AsyncEngine) -> None:
    shelf, loan = Shelf.__table__, Loan.__table__  # type: ignore[attr-defined]  # tables have one
    async with AsyncSession(engine) as work, work.begin():
        taken = update(shelf).where(shelf.c.id == "s").values(taken=shelf.c.taken + 1)
        await work.execute(taken)
        await work.execute(insert(loan).values(id=new_id(), shelf_id="s", place=1))


async def _time(engine: AsyncEngine, one: Any) -> float:
    for _ in range(50):
        await one(engine)
    began = time.perf_counter()
    for _ in range(ROUNDS):
        await one(engine)
    return (time.perf_counter() - began) / ROUNDS


async def measure() -> dict[str, float]:
    """Return seconds per guarded insert: bare, on the loop's thread, and on aiosqlite's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drivers.sqlite"
        loop = open_engines(f"sqlite:///{path}", durable=True)
        async with loop.writer.begin() as connection:
            await connection.run_sync(Table.metadata.create_all)
            await connection.execute(
                insert(Shelf.__table__).values(id="s", capacity=10**9, taken=0)  # type: ignore[attr-defined]  # tables have one
            )
        thread = create_async_engine(f"sqlite+aiosqlite:///{path}", pool_size=1, max_overflow=0)
        event.listen(thread.sync_engine, "connect", _settings)
        figures = {
            "loop thread, Core": await _time(loop.writer, _core),
            "loop thread, ORM": await _time(loop.writer, _orm),
            "aiosqlite, Core": await _time(thread, _core),
            "aiosqlite, ORM": await _time(thread, _orm),
        }
        await loop.dispose()
        await thread.dispose()
        return {"bare sqlite3": _bare(path), **figures}


def _settings(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous=FULL")


if __name__ == "__main__":
    for name, seconds in asyncio.run(measure()).items():
        print(f"{name:20} {seconds * 1e6:8.0f} µs")
