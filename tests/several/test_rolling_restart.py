"""Every process of a service that has two is restarted, one after another, under traffic."""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from tests.conftest import Rounds
from tests.failures.checkers import agree
from tests.failures.distributed.house import Standing, come_to_rest, standing, under_traffic
from tests.failures.distributed.own_servers import servers
from tests.failures.distributed.traffic import Errands
from tests.failures.history import Outcome
from tests.failures.platform_campaign import scenery
from tests.failures.record import note
from tests.several.doors import Doors

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.connected,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.slow,
]

SAMPLE = ("events", "gateway")
WHOLE = ("events", "booking", "notifications", "reporting", "gateway")


def failed(traffic: Errands) -> list[str]:
    """Say which requests failed that nobody should have noticed: all of them are told."""
    asked = Counter(
        f"{each.action} ended with {each.status or 'a cut connection'}"
        for each in traffic.history.with_outcome(Outcome.UNKNOWN)
    )
    read = Counter(
        f"a page was answered {status or 'by a cut connection'}"
        for status in traffic.read.elements()
        if status != 200
    )
    return [f"failed: {count} times {what}" for what, count in (asked + read).items()]


async def restart(house: Standing, name: str) -> list[str]:
    """Stop a process as an operator would, start it again, and wait until it is ready."""
    status = await asyncio.to_thread(house.run.stop_one, name)
    await house.launch(name)
    await house.until_ready(name)
    return [f"unclean: {name} ended with {status}"] if status else []


@pytest.mark.timeout(3600)
async def test_nobody_notices_a_rolling_restart(tmp_path: Path, rounds: Rounds, seed: int) -> None:
    """No request fails and no connection is cut; every effect is there once and in order."""
    count = rounds(sample=0, whole=3)
    chosen = WHOLE if count else SAMPLE
    with servers() as both:
        async with standing(tmp_path, replicas=dict.fromkeys(chosen, 2), **both) as house:
            gateways = [each for each in house.run.processes.values() if each.service == "gateway"]
            doors = [each.address for each in gateways]
            house.run.processes["web"].environment["ANDAN_GATEWAY"] = ",".join(doors)
            await restart(house, "web")
            admin = house.house.admin
            told = dict(admin.client.headers)
            async with httpx2.AsyncClient(
                transport=Doors(doors), base_url=doors[0], headers=told, timeout=60
            ) as client:
                traffic = Errands(await scenery(house.house), random.Random(seed))
                admin.client = client
                wrong: list[str] = []
                restarted = 0
                async with under_traffic(house, traffic):
                    for _ in range(max(1, count)):
                        for name, process in house.run.processes.items():
                            if process.service in chosen:
                                wrong += await restart(house, name)
                                restarted += 1
                wrong += failed(traffic) + await come_to_rest(house, traffic)
    asked = len(traffic.history.attempts) + traffic.read.total()
    print(json.dumps({"restarted": restarted, "requests": asked}))  # noqa: T201 -- wanted
    note(
        "rolling restart",
        restarted,
        checks=house.checks + Counter(requests=asked),
        violations=wrong,
        seed=seed,
        seconds=0.0,
    )
    agree(seed, wrong)
