"""The replay clock moves a whole house forwards, by way of everything that is due."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.clock import ReplayClock
from tests.gateway.house import MODES, START, house, tolls

pytestmark = pytest.mark.anyio


def told(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("mode", MODES)
async def test_the_clock_stops_at_every_due_time(mode: str, tmp_path: Path) -> None:
    """What is due on the way is done at its own time; the answer comes when all is quiet."""
    tolls.clear()
    async with (
        house(tmp_path, mode, clock=ReplayClock(START)) as it,
        it.holder("gateway:admin") as client,
    ):
        for days in (3, 1, 9):
            assert (await client.post(f"/v1/venues/{days}/visits")).status_code == 204
        target = told(START + timedelta(days=5))
        answer = await client.put("/v1/clock", json={"now": target})
        assert answer.json() == {"now": target, "quiet": True}
        assert (await client.get("/v1/clock")).json() == {"now": target, "quiet": True}
    assert tolls == [(f"{days}", START + timedelta(days=days)) for days in (1, 3)]


async def test_the_clock_never_goes_back(tmp_path: Path) -> None:
    """A time before the clock's is a 409 that says where it stands; garbage is a 422."""
    async with (
        house(tmp_path, clock=ReplayClock(START)) as it,
        it.holder("gateway:admin") as client,
    ):
        back = await client.put("/v1/clock", json={"now": told(START - timedelta(seconds=1))})
        assert (back.status_code, back.json()["now"]) == (409, told(START))
        same = await client.put("/v1/clock", json={"now": told(START)})
        assert same.status_code == 200
        for body in ({}, {"now": None}, {"running": False}, {"now": "2023-01-02"}, {"x": 1}):
            assert (await client.put("/v1/clock", json=body)).status_code == 422, body
        both = {"now": told(START), "running": True}
        assert (await client.put("/v1/clock", json=both)).status_code == 422


async def test_only_an_administrator_moves_the_clock(tmp_path: Path) -> None:
    """Without a key it is a 401, without gateway:admin a 403; everybody may look."""
    body = {"now": told(START)}
    async with house(tmp_path, clock=ReplayClock(START)) as it:
        async with it.client() as client:
            assert (await client.put("/v1/clock", json=body)).status_code == 401
            assert (await client.get("/v1/clock")).status_code == 200
        async with it.holder("operations:admin") as client:
            refused = await client.put("/v1/clock", json=body)
            assert (refused.status_code, refused.json()["scope"]) == (403, "gateway:admin")


async def test_in_ordinary_time_there_is_no_such_address(tmp_path: Path) -> None:
    """A house that lives in ordinary time answers 404 to everybody."""
    async with house(tmp_path) as it, it.holder() as client, it.client() as public:
        for caller in (client, public):
            assert (await caller.get("/v1/clock")).status_code == 404
            assert (await caller.put("/v1/clock", json={"running": True})).status_code == 404


@pytest.mark.parametrize("mode", MODES)
async def test_the_clock_can_run_on(mode: str, tmp_path: Path) -> None:
    """Told to run, it goes on by itself, and can still be moved forwards."""
    async with (
        house(tmp_path, mode, clock=ReplayClock(START)) as it,
        it.holder("gateway:admin") as client,
    ):
        running = await client.put("/v1/clock", json={"running": True})
        assert running.status_code == 200
        first = (await client.get("/v1/clock")).json()["now"]
        later = (await client.get("/v1/clock")).json()["now"]
        assert first < later
        target = START + timedelta(days=1)
        moved = await client.put("/v1/clock", json={"now": told(target)})
        assert datetime.fromisoformat(moved.json()["now"]) >= target


async def test_a_house_that_does_not_rest_is_said_to_be_busy(tmp_path: Path) -> None:
    """Something overdue that never gets done is a 503 with its reason, not an endless wait."""
    clock = ReplayClock(START)
    async with house(tmp_path, clock=clock, clock_patience_seconds=0.3) as it:
        async with it.behind.store.work() as work:
            await work.later("toll", "now", START)
        it.behind.schedulers[0]._jobs["toll"] = _fails  # type: ignore[index]  # a mapping inside
        async with it.behind.store.work() as work:
            await work.later("toll", "late", START - timedelta(seconds=5))
        await it.behind.stop()
        async with it.holder("gateway:admin") as client:
            answer = await client.put("/v1/clock", json={"now": told(START + timedelta(days=1))})
            assert answer.status_code == 503
            assert answer.json()["reasons"]
    assert clock.now() == START


async def _fails(*_: object) -> None:
    raise ValueError("never done")


async def test_a_move_with_nothing_due_costs_little(tmp_path: Path) -> None:
    """A year has some 1,500 moves: a quarter of them cost less than 50 ms on any machine."""
    async with (
        house(tmp_path, clock=ReplayClock(START)) as it,
        it.holder("gateway:admin") as client,
    ):
        at = datetime(2023, 2, 1, tzinfo=UTC)
        costs = []
        for number in range(40):
            body = {"now": told(at + timedelta(hours=number))}
            began = time.perf_counter()
            assert (await client.put("/v1/clock", json=body)).status_code == 200
            costs.append(time.perf_counter() - began)
    assert sorted(costs)[10] < 0.05
