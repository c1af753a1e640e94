"""PostgreSQL killed under traffic and started again: refused meanwhile, and nothing lost."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from shared.testing.kafka import KafkaServer
from tests.conftest import Rounds
from tests.failures.grounds import (
    GROUNDS,
    conclude,
    played,
    told_not_ready,
    until_acknowledged,
    until_ready,
)
from tests.failures.outages import Probes, only_statuses, refused_properly
from tests.failures.servers import postgres_of_its_own

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.campaign,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.connected,
]

AWAY_SECONDS = (0.1, 3.0)
SERVED = (200, 201, 409, 429)
STORE = {"toys": ("lender", "ledger"), "house": ("events", "booking", "notifications")}


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("ground", played(["toys"]))
async def test_a_killed_database_loses_nothing_acknowledged(
    tmp_path: Path, kafka_server: KafkaServer, rounds: Rounds, seed: int, ground: str
) -> None:
    """All its processes are killed at once; who asks meanwhile is told 503 and when to come
    again, and every process goes on by itself once it is back.
    """
    times = rounds(sample=3, whole=100)
    dice, began = random.Random(seed), time.monotonic()
    with postgres_of_its_own() as postgres:
        async with GROUNDS[ground](tmp_path, kafka_server, postgres, seed) as it:
            probes = Probes(it.reads)
            async with it.driven(), probes.asking():
                for number in range(times):
                    await until_acknowledged(it, 15)
                    await asyncio.sleep(dice.uniform(0, 0.5))
                    await asyncio.to_thread(postgres.stop, kill=True)
                    if number == 0:
                        await told_not_ready(it, "store", *STORE[ground])
                    await asyncio.sleep(dice.uniform(*AWAY_SECONDS))
                    await asyncio.to_thread(postgres.start)
                    await until_acknowledged(it, 15)
                await until_ready(it)
            found = refused_properly(probes.found) + only_statuses(it.attempts, *SERVED)
            assert any(each.status == 503 for each in probes.found), "nobody noticed"
            found += await it.come_to_rest()
            conclude(it, f"PostgreSQL killed, {ground}", times, began, found)
