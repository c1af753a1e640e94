"""The campaign on the distributed house bites: planted bugs are found by their names."""

import random
import sys
from pathlib import Path

import pytest

from tests.failures.distributed.broken import BUG
from tests.failures.distributed.faults import Fault, Faults
from tests.failures.distributed.house import Standing, come_to_rest, standing, under_traffic
from tests.failures.distributed.own_servers import servers
from tests.failures.distributed.traffic import Errands
from tests.failures.platform_campaign import scenery

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.connected,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.campaign,
]

PLANTED = {
    "marks-first": ("booking", "unpublished"),
    "backwards": ("events", "disorder"),
    "takes-apart": ("notifications", "lost"),
}
"""Each bug, the service that has it, and what the campaign must say of it."""
KILLS = 2


async def infect(house: Standing, service: str, bug: str) -> None:
    """Start a service again with a bug."""
    process = house.run.processes[service]
    process.command = (sys.executable, "-m", "tests.failures.distributed.broken", service)
    process.environment[BUG] = bug
    house.run.kill(service)
    await house.launch(service)
    await house.until_ready(service)


@pytest.mark.timeout(1200)
async def test_planted_bugs_are_found(tmp_path: Path, seed: int) -> None:
    """A relay that marks before it sends, one that sends backwards, and a consumer that notes a
    message as taken before its effect: each is found in what is wrong with the house.
    """
    with servers() as both:
        async with standing(tmp_path, **both) as house:
            traffic = Errands(await scenery(house.house), random.Random(seed))
            traffic.pause_seconds = 0.1
            faults = Faults(house, traffic, random.Random(seed))
            async with under_traffic(house, traffic):
                for bug, (service, _) in PLANTED.items():
                    await infect(house, service, bug)
                for _ in range(KILLS):
                    for service, _ in PLANTED.values():
                        await faults.strike(Fault.KILL, 1, service)
            found = await come_to_rest(house, traffic)
    words = {sentence.split(":")[0] for sentence in found}
    assert words >= {word for _, word in PLANTED.values()}, f"seed {seed}: {found[:20]}"
