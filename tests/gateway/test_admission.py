"""Writing requests wait in a bounded line, and are turned away when it is full."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from services.gateway.admission import Admission
from shared.http.problems import QueueFull
from shared.observability.metrics import Metrics
from tests.gateway.house import house

pytestmark = pytest.mark.anyio


def admission(in_flight: int, waiting: int, patience: float = 5) -> tuple[Admission, Metrics]:
    metrics = Metrics(with_process=False)
    return Admission(in_flight, waiting, patience_seconds=patience, metrics=metrics), metrics


def shown(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name, {"service": "gateway"})


async def test_who_comes_first_is_served_first() -> None:
    """Two are in, three wait in order, the sixth is turned away at once; the gauges say so."""
    gate, metrics = admission(2, 3)
    order: list[int] = []
    go = asyncio.Event()

    async def visit(number: int) -> None:
        await gate.enter()
        order.append(number)
        await go.wait()
        gate.leave()

    tasks = [asyncio.create_task(visit(number)) for number in range(5)]
    await asyncio.sleep(0)
    assert order == [0, 1]
    assert shown(metrics, "andan_admission_waiting") == 3
    with pytest.raises(QueueFull) as caught:
        await gate.enter()
    assert caught.value.headers["Retry-After"] == "1"
    assert shown(metrics, "andan_admission_refused_total") == 1
    go.set()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]
    assert shown(metrics, "andan_admission_waiting") == 0


async def test_patience_ends() -> None:
    """Who waits too long is turned away, and his place in line is gone."""
    gate, metrics = admission(1, 5, patience=0.02)
    await gate.enter()
    with pytest.raises(QueueFull):
        await gate.enter()
    assert shown(metrics, "andan_admission_waiting") == 0
    gate.leave()
    await gate.enter()


@pytest.mark.parametrize("patience", [5, 0.003])
async def test_no_place_is_ever_lost(seed: int, patience: float) -> None:
    """Whoever goes or has waited too long at whatever moment, all places are free afterwards."""
    chance = random.Random(seed)
    gate, _ = admission(3, 50, patience)
    inside = most = 0

    async def visit() -> None:
        nonlocal inside, most
        await gate.enter()
        inside += 1
        most = max(most, inside)
        try:
            await asyncio.sleep(chance.random() / 500)
        finally:
            inside -= 1
            gate.leave()

    tasks = [asyncio.create_task(visit()) for _ in range(50)]
    while not all(task.done() for task in tasks):
        chance.choice(tasks).cancel()
        await asyncio.sleep(chance.random() / 500)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most <= 3
    assert (gate._free, len(gate._line)) == (3, 0)


async def test_a_full_queue_is_a_503_and_reading_goes_on(tmp_path: Path) -> None:
    """Writers beyond the line get 503 with Retry-After; readers never stand in it."""
    line: dict[str, Any] = {"admission_in_flight": 1, "admission_waiting": 1}
    async with house(tmp_path, **line) as it, it.holder() as client:
        hold = it.behind.store.begin()
        await hold.later("hold", "x", hold.now)  # takes the one writer of the store
        body = {"text": "x"}
        writing = [asyncio.create_task(client.post("/v1/bookings", json=body)) for _ in range(6)]
        async with asyncio.timeout(10):
            while sum(task.done() for task in writing) < 4:  # one is in, one stands in the line
                await asyncio.sleep(0.005)
        assert (await client.get("/v1/rooms")).status_code == 200
        await hold.abandon()
        answers = await asyncio.gather(*writing)
        refused = [answer for answer in answers if answer.status_code == 503]
        assert (await client.post("/v1/bookings", json=body)).status_code == 201
    assert sorted(answer.status_code for answer in answers) == [201, 201, 503, 503, 503, 503]
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert all(answer.json()["type"] == "/problems/queue-full" for answer in refused)
