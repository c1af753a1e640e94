"""Pages of lists."""

import base64
import itertools
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query
from pydantic import BaseModel
from sqlalchemy import MetaData
from sqlalchemy.engine import make_url as make_url_of
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlmodel import Field, SQLModel, col, select

from shared.http.paging import Page, PagingDep, keyset, known_parameters
from shared.http.problems import InvalidRequest, install_problems

pytestmark = pytest.mark.anyio
BEGAN = datetime(2023, 1, 1, tzinfo=UTC)


class Book(SQLModel, table=True):
    metadata = MetaData()

    id: str = Field(primary_key=True)
    title: str
    pages: int
    read_at: datetime
    day: date


@pytest.fixture
def dialect() -> str:
    return "sqlite"


@pytest.fixture
async def engine(
    dialect: str, make_url: Callable[[str], Awaitable[str]]
) -> AsyncIterator[AsyncEngine]:
    url = make_url_of(await make_url(dialect))
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}[dialect]
    engine = create_async_engine(url.set(drivername=driver))
    async with engine.begin() as connection:
        await connection.run_sync(Book.metadata.create_all)
    chance = random.Random(7)
    async with AsyncSession(engine) as work:
        for number in range(45):
            day = BEGAN + timedelta(days=chance.randrange(5))
            work.add(
                Book(
                    id=f"b{number:02}",
                    title=chance.choice(["Ä", "A", "å b", "a,b", "ö\u00a0👩‍🚀"]),
                    pages=chance.randrange(3),
                    read_at=day,
                    day=day.date(),
                )
            )
        await work.commit()
    yield engine
    await engine.dispose()


async def read_all(
    engine: AsyncEngine, statement: Any, keys: list[Any], **how: Any
) -> list[list[Any]]:
    pages: list[list[Any]] = []
    cursor = None
    async with AsyncSession(engine) as reader:
        while len(pages) < 100:
            rows, cursor = await keyset(reader, statement, keys, cursor=cursor, **how)
            pages.append(rows)
            if cursor is None:
                return pages
    raise AssertionError("the pages do not end")


BOTH = pytest.mark.parametrize(
    "dialect", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)


@BOTH
@pytest.mark.parametrize(
    "keys",
    [
        [col(Book.id)],
        [col(Book.title), col(Book.id)],
        [col(Book.pages), col(Book.title), col(Book.id)],
        [col(Book.read_at), col(Book.id)],
        [col(Book.day), col(Book.id)],
    ],
    ids=["id", "text", "number", "time", "day"],
)
async def test_pages_give_every_row_once_in_order(engine: AsyncEngine, keys: list[Any]) -> None:
    """Following the cursors gives what one long list would, with ties and at every size."""
    for descending, limit in itertools.product([False, True], [1, 7, 45, 100]):
        pages = await read_all(engine, select(Book), keys, limit=limit, descending=descending)
        order = [key.desc() if descending else key for key in keys]
        async with AsyncSession(engine) as reader:
            whole = (await reader.execute(select(Book).order_by(*order))).scalars().all()
        assert [book.id for page in pages for book in page] == [book.id for book in whole]
        assert all(len(page) == limit for page in pages[:-1])
        assert pages[-1]


@BOTH
async def test_rows_that_come_and_go_shift_nobody(engine: AsyncEngine) -> None:
    """A row deleted and one added before the cursor neither repeat nor hide another."""
    async with AsyncSession(engine) as reader:
        first, cursor = await keyset(reader, select(Book), [col(Book.id)], limit=10)
    async with AsyncSession(engine) as work:
        await work.delete(first[3])
        work.add(Book(id="b0", title="x", pages=1, read_at=BEGAN, day=BEGAN.date()))
        await work.commit()
    async with AsyncSession(engine) as reader:
        second, _ = await keyset(reader, select(Book), [col(Book.id)], limit=10, cursor=cursor)
    assert [book.id for book in second] == [f"b{number}" for number in range(10, 20)]


async def test_columns_come_as_tuples(engine: AsyncEngine) -> None:
    """A select of several columns gives rows of just these."""
    statement = select(Book.id, Book.pages)
    pages = await read_all(engine, statement, [col(Book.title), col(Book.id)], limit=20)
    assert len(pages[0][0]) == 2


def cursor_of(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


async def test_a_cursor_serves_its_own_list(engine: AsyncEngine) -> None:
    """Cursors of another order, forged and damaged ones are an invalid request."""
    keys = [col(Book.pages), col(Book.id)]
    async with AsyncSession(engine) as reader:
        _, other = await keyset(reader, select(Book), [col(Book.title), col(Book.id)], limit=3)
        _, good = await keyset(reader, select(Book), keys, limit=3)
        assert good is not None
        shape = json.loads(base64.urlsafe_b64decode(good + "=" * (-len(good) % 4)))[0]
        assert (await keyset(reader, select(Book), keys, cursor=cursor_of(shape, 1, "b01")))[0]
        bad = [
            other,
            good[:-3],
            "",
            "å",
            "\ud800",
            "!" * 10,
            "x" * 100_000,
            cursor_of(),
            cursor_of(shape),
            cursor_of(shape, 1),
            cursor_of(shape, 1, "b", "c"),
            cursor_of(shape, "1", "b"),
            cursor_of(shape, True, "b"),
            cursor_of(shape, None, "b"),
            cursor_of(shape, 1, "b\0"),
            cursor_of(shape, 1, "\ud800"),
            cursor_of(shape, 2**70, "b"),
            cursor_of(shape, 1.5, "b"),
            cursor_of(shape, 1),
            cursor_of(shape, [1], {"b": 1}),
            cursor_of("x", 1, "b"),
            base64.urlsafe_b64encode(b"[" * 300).decode(),
            base64.urlsafe_b64encode(b"{}").decode(),
            base64.urlsafe_b64encode(b"1").decode(),
        ]
        for cursor in bad:
            with pytest.raises(InvalidRequest):
                await keyset(reader, select(Book), keys, cursor=cursor)


class Wanted(BaseModel):
    from_: Annotated[str | None, Field(alias="from")] = None
    pages: int | None = None


@pytest.fixture
async def client(engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    router = APIRouter(prefix="/books")

    @router.get("")
    async def list_books(
        paging: PagingDep, title: Annotated[str | None, Query(alias="called")] = None
    ) -> Page[str]:
        async with AsyncSession(engine) as reader:
            rows, following = await keyset(
                reader, select(Book.id), [col(Book.id)], limit=paging.limit, cursor=paging.cursor
            )
        return paging.page([row[0] if isinstance(row, tuple) else row for row in rows], following)

    @router.get("/wanted")
    async def list_wanted(query: Annotated[Wanted, Query()]) -> dict[str, Any]:
        return query.model_dump()

    @router.get("/{id}")
    async def show_book(id: str) -> dict[str, str]:  # noqa: A002 -- the address's word
        return {"id": id}

    app = FastAPI(dependencies=[Depends(known_parameters)])
    install_problems(app)
    app.include_router(router, prefix="/v1")
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://andan") as client:
        yield client


async def test_a_client_follows_next_or_link(client: httpx2.AsyncClient) -> None:
    """Both ways lead through the whole list, keep the other parameters and end in null."""
    seen, address = [], "/v1/books?called=%C3%A5+b&limit=20"
    while address:
        answer = await client.get(address)
        document = answer.json()
        seen += document["items"]
        link = answer.headers.get("link")
        assert (link is None) == (document["next"] is None)
        if link is None:
            break
        address = link.removeprefix("<").removesuffix('>; rel="next"')
        assert address.startswith("/v1/books?called=%C3%A5+b&limit=20&cursor=")
        assert address.endswith(document["next"])
    assert seen == [f"b{number:02}" for number in range(45)]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/books", 200),
        ("/v1/books?limit=100", 200),
        ("/v1/books?limit=0", 422),
        ("/v1/books?limit=101", 422),
        ("/v1/books?limit=-1", 422),
        ("/v1/books?limit=ten", 422),
        ("/v1/books?limit=" + "9" * 3_000, 422),
        ("/v1/books?cursor=x", 422),
        ("/v1/books?cursor=" + "x" * 600, 422),
        ("/v1/books?called=a", 200),
        ("/v1/books?title=a", 422),
        ("/v1/books?called=a%00", 422),
        ("/v1/books?called=a&nmae=b", 422),
        ("/v1/books?=x", 422),
        ("/v1/books/b01", 200),
        ("/v1/books/b01?limit=1", 422),
        ("/v1/books/wanted?from=x&pages=3", 200),
        ("/v1/books/wanted?from_=x", 422),
        ("/v1/books/wanted?query=x", 422),
    ],
)
async def test_only_declared_parameters_are_taken(
    client: httpx2.AsyncClient, path: str, status: int
) -> None:
    """An unknown or unfit query parameter is refused on every route, a known one is not."""
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert answer.json()["errors"]
