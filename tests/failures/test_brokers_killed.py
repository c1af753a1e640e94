"""One of three Kafka nodes killed under traffic, each in turn: nothing lost, doubled, reordered."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from tests.conftest import Rounds
from tests.failures.grounds import GROUNDS, conclude, played, until_acknowledged, until_ready
from tests.failures.outages import never_refused
from tests.failures.servers import kafka_of_three, postgres_of_its_own

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.campaign,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.connected,
]

AWAY_SECONDS = (0.2, 4.0)
"""Shorter and longer than the two seconds after which a node is missed."""


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("ground", played(["toys"]))
async def test_a_broker_of_three_can_be_killed(
    tmp_path: Path, rounds: Rounds, seed: int, ground: str
) -> None:
    """Everything is written to all replicas in sync, of which there are two at the least: no
    request fails, and every message is there once in effect and in order.
    """
    times = rounds(sample=2, whole=100)
    dice, began = random.Random(seed), time.monotonic()
    with kafka_of_three() as cluster, postgres_of_its_own() as postgres:
        async with GROUNDS[ground](tmp_path, cluster, postgres, seed) as it:
            await cluster.until_in_sync()
            since = time.monotonic()
            async with it.driven():
                for number in range(times):
                    await until_acknowledged(it, 10)
                    await asyncio.sleep(dice.uniform(0, 0.5))
                    await asyncio.to_thread(cluster.kill, number % 3)
                    await asyncio.sleep(dice.uniform(*AWAY_SECONDS))
                    await until_acknowledged(it, 10)
                    await asyncio.to_thread(cluster.start_again, number % 3)
                    await cluster.until_in_sync()
                await until_ready(it)
                until = time.monotonic() - 1
            found = never_refused(it.attempts, since, until)
            found += await cluster.too_few_replicas("andan.")
            found += await it.come_to_rest()
            conclude(it, f"one broker of three killed, {ground}", times, began, found)
