"""What was deleted leaves the store's files: pages that were split, and the journal."""

import asyncio
import random
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.store import Store
from shared.store.scheduler import Due
from shared.store.scrub import StillRead, scrub_soon, scrubs
from shared.testing.fixtures import DIALECTS, MakeStore
from tests.toy import lender

pytestmark = pytest.mark.anyio
LENDER = Path(lender.__file__).parent
NOW = Due("scrub", "toy", datetime(2023, 1, 1, tzinfo=UTC), 0, {})
SECRET = b"SECRETNAME"


async def fill(store: Store, seed: int) -> None:
    """Keep names as contacts are kept, so that pages are split again and again."""
    chance = random.Random(seed)
    rows = []
    for number in range(6_000):
        name = ("SECRETNAME" if chance.random() < 0.1 else "othernames") + "x" * chance.randrange(
            60
        )
        mark = f"{chance.randrange(2**32):08x}{name}"
        rows.append({"id": f"{number:012}", "name": name, "email": name, "mark": mark})
    async with store.work() as work:
        await work.execute(text("CREATE TABLE person (id TEXT PRIMARY KEY, name, email, mark)"))
        await work.execute(text("CREATE INDEX person_mark ON person (mark)"))
        await work.execute(text("INSERT INTO person VALUES (:id, :name, :email, :mark)"), rows)


async def delete_secrets(store: Store) -> None:
    """Delete the rows that are looked for."""
    async with store.work() as work:
        await work.execute(text("DELETE FROM person WHERE name LIKE 'SECRET%'"))


def stored(folder: Path) -> bytes:
    """Return every byte of the stores in a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("*.sqlite*")))


async def test_no_byte_is_left_of_what_was_deleted(make_store: MakeStore, tmp_path: Path) -> None:
    """Deleted alone, names lie on in the journal; scrubbed, nowhere."""
    store = await make_store("sqlite", LENDER)
    await fill(store, 0)
    await delete_secrets(store)
    assert SECRET in stored(tmp_path)
    await scrubs("person")(store, NOW)
    assert SECRET not in stored(tmp_path)


async def test_a_split_page_keeps_a_copy(make_store: MakeStore, tmp_path: Path) -> None:
    """Cutting the journal is not enough, since SQLite leaves copies: the file is rebuilt."""
    left = 0
    for seed in range(4):
        store = await make_store("sqlite", LENDER)
        await fill(store, seed)
        await delete_secrets(store)
        async with store.engines.writer.connect() as connection:
            raw = await connection.get_raw_connection()
            sqlite = raw.driver_connection.sqlite  # type: ignore[union-attr]  # a LoopConnection
            sqlite.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        left += stored(tmp_path).count(SECRET)
        await scrubs("person")(store, NOW)
        assert SECRET not in stored(tmp_path)
    assert left, "the test shows nothing any more: SQLite leaves no copies now"


async def test_a_reader_is_waited_for(make_store: MakeStore, tmp_path: Path) -> None:
    """Who still reads what was there before ends first; whoever never ends is told of, later."""
    store = await make_store("sqlite", LENDER)
    await fill(store, 1)
    (path,) = tmp_path.glob("*.sqlite")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM person").fetchone()
    await delete_secrets(store)
    scrubbing = asyncio.ensure_future(scrubs("person")(store, NOW))
    await asyncio.sleep(0.1)
    assert not scrubbing.done()
    async with store.read() as other:
        assert await other.scalar(text("SELECT count(*) FROM person")), "others go on meanwhile"
    reader.execute("COMMIT")
    await scrubbing
    assert SECRET not in stored(tmp_path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM person").fetchone()
    async with store.work() as work:
        await work.execute(text("DELETE FROM person WHERE name LIKE 'other%'"))
    with pytest.raises(StillRead):
        await scrubs("person")(store, NOW)
    reader.close()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_it_is_done_once_and_ends_its_row(make_store: MakeStore, dialect: str) -> None:
    """What is put off is done on either database, outside of any transaction, and forgotten."""
    store = await make_store(dialect, LENDER)
    for _ in range(2):
        async with store.work() as work:
            await scrub_soon(work)
    count = text("SELECT count(*) FROM due")
    async with store.read() as reader:
        assert await reader.scalar(count) == 1
    await scrubs("about")(store, NOW)
    async with store.read() as reader:
        assert await reader.scalar(count) == 0


async def test_who_asks_meanwhile_has_it_done_again(make_store: MakeStore, tmp_path: Path) -> None:
    """What is asked for while it runs, at the same instant too, is not taken for done with it."""
    store = await make_store("sqlite", LENDER)
    await fill(store, 2)
    (path,) = tmp_path.glob("*.sqlite")
    async with store.work() as work:
        await scrub_soon(work)
        row = Due("scrub", store.service, work.now, 0, {})
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM person").fetchone()

    async def ask() -> None:
        async with store.work() as work:
            work.now = row.at
            await scrub_soon(work)

    scrubbing = asyncio.ensure_future(scrubs("person")(store, row))
    await asyncio.sleep(0.1)
    asking = asyncio.ensure_future(ask())
    await asyncio.sleep(0)
    reader.execute("COMMIT")
    await asyncio.gather(scrubbing, asking)
    reader.close()
    count = text("SELECT count(*) FROM due")
    async with store.read() as other:
        assert await other.scalar(count) == 1
    await scrubs("person")(store, row)
    async with store.read() as other:
        assert await other.scalar(count) == 0
