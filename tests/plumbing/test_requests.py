"""What a writing request promises: committed before the answer, once per Idempotency-Key."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from shared.security.inner import HEADER
from shared.service import Service
from shared.store.janitor import clean
from shared.store.plumbing import idempotency, outbox
from shared.testing.running import key_with
from tests.toy.house import INNER_KEY
from tests.toy.lender.service import Loan, Shelf

pytestmark = pytest.mark.anyio

URL = "/shelves/s/loans"


async def loans(lender: Service) -> int:
    """Return how many loans the store has."""
    async with lender.store.read() as reader:
        return await reader.scalar(select(func.count()).select_from(Loan)) or 0


async def test_a_201_means_that_it_is_stored(lender: Service, client: httpx2.AsyncClient) -> None:
    """When the answer arrives, row and outbox rows can be read by anybody."""
    answer = await client.post(URL, json={})
    assert answer.status_code == 201
    assert answer.json()["place"] == 1
    assert await loans(lender) == 1


async def test_a_commit_that_fails_is_a_500_and_not_a_201(
    lender: Service, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that something is stored which is not; nothing of it is."""

    def fail(session: object) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("shared.store.work._commit_and_close", fail)
    answer = await client.post(URL, json={})
    monkeypatch.undo()
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "disk" not in answer.text
    assert await loans(lender) == 0
    async with lender.store.read() as reader:
        assert await reader.scalar(select(func.count()).select_from(outbox)) == 0


async def test_a_store_that_is_away_is_a_503(
    lender: Service, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller learns that nothing was done, and may come again."""

    def fail(session: object) -> None:
        raise OperationalError("COMMIT", None, OSError("gone"))

    monkeypatch.setattr("shared.store.work._commit_and_close", fail)
    answer = await client.post(URL, json={})
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["store"]


async def test_a_refusal_stores_nothing(lender: Service, client: httpx2.AsyncClient) -> None:
    """A full shelf is a 409 with the problem's slug, and the store is as before."""
    for _ in range(3):
        await client.post(URL, json={})
    answer = await client.post(URL, json={})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/shelf-full")
    assert await loans(lender) == 3


Post = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
def post(client: httpx2.AsyncClient) -> Post:
    """Return a function that posts with a key."""

    async def send(key: str, body: dict[str, Any] | None = None, **headers: str) -> httpx2.Response:
        return await client.post(URL, json=body or {}, headers={"Idempotency-Key": key, **headers})

    return send


async def test_the_same_key_gets_the_same_answer_and_one_effect(
    lender: Service, post: Post
) -> None:
    """A repeated request is answered as before and says so."""
    first, second = await post("k"), await post("k")
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert await loans(lender) == 1


async def test_the_same_key_with_another_body_is_refused(lender: Service, post: Post) -> None:
    """A key stands for one request: another body is a 422 without an effect."""
    await post("k")
    answer = await post("k", {"name": "other"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert await loans(lender) == 1


async def test_a_key_is_the_callers_own(lender: Service, post: Post) -> None:
    """Two callers may use the same key without hearing of each other."""
    await post("k")
    other = await post("k", {}, **{HEADER: INNER_KEY.mint(key_with(id="berit"))})
    assert "idempotent-replayed" not in other.headers
    assert await loans(lender) == 2


async def test_twins_in_flight_have_one_effect(lender: Service, post: Post) -> None:
    """Ten at once with one key: one loan, and ten equal answers."""
    answers = await asyncio.gather(*(post("k") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await loans(lender) == 1


async def test_twins_for_the_last_place_are_both_told_of_it(lender: Service, post: Post) -> None:
    """The twin that finds the shelf full by its own twin gets the twin's answer, not a 409."""
    async with lender.store.work() as work:
        (await work.get_one(Shelf, "s")).capacity = 1
    answers = await asyncio.gather(*(post("k") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert await loans(lender) == 1


async def test_a_refused_request_may_come_again_with_its_key(lender: Service, post: Post) -> None:
    """A 409 had no effect, so its key is free: the next try may succeed."""
    async with lender.store.work() as work:
        (await work.get_one(Shelf, "s")).capacity = 0
    assert (await post("k")).status_code == 409
    async with lender.store.work() as work:
        (await work.get_one(Shelf, "s")).capacity = 1
    assert (await post("k")).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_none_is_refused(lender: Service, post: Post, key: str) -> None:
    """Keys have 1 to 255 printable characters."""
    assert (await post(key)).status_code == 422
    assert await loans(lender) == 0


async def test_answers_are_forgotten_after_a_day(lender: Service, post: Post) -> None:
    """The janitor deletes kept answers and sent messages past their time, and nothing else."""
    await post("k")
    now = datetime.now(UTC)
    async with lender.store.work() as work:
        await work.execute(update(outbox).where(outbox.c.seq == 1).values(sent_at=now))
    await clean(lender.store, now + timedelta(minutes=59))
    async with lender.store.read() as reader:
        assert await reader.scalar(select(func.count()).select_from(idempotency)) == 1
        assert await reader.scalar(select(func.count()).select_from(outbox)) == 2
    await clean(lender.store, now + timedelta(hours=25))
    async with lender.store.read() as reader:
        assert await reader.scalar(select(func.count()).select_from(idempotency)) == 0
        assert await reader.scalar(select(outbox.c.seq)) == 2
