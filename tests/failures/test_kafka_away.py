"""Kafka away under traffic: no request fails for it, and everything arrives afterwards."""

import asyncio
import time
from pathlib import Path

import pytest

from shared.testing.kafka import KafkaServer
from tests.conftest import PROFILE, Rounds
from tests.failures.grounds import (
    GROUNDS,
    conclude,
    played,
    told_not_ready,
    until_acknowledged,
    until_ready,
)
from tests.failures.outages import never_refused
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

SHORT_SECONDS = 12
"""Longer than the time-out of a request to Kafka: a producer that waited has given up."""
LONG_SECONDS = 60
HEARING = {"toys": ("lender", "ledger"), "house": ("events", "booking", "notifications")}
"""Processes that notice it: those that relay under this traffic, and one that only hears."""


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("end", ["terminate", "kill"] if PROFILE == "campaign" else ["terminate"])
@pytest.mark.parametrize("ground", played(["toys"]))
async def test_kafka_away_fails_no_request_and_everything_arrives(
    tmp_path: Path, kafka_server: KafkaServer, rounds: Rounds, seed: int, ground: str, end: str
) -> None:
    """Stopped or killed under traffic and back after a minute: every process goes on by itself,
    says meanwhile that it is not ready, and floods no log.
    """
    times = rounds(sample=1, whole=10)
    seconds = rounds(sample=SHORT_SECONDS, whole=LONG_SECONDS)
    began, found = time.monotonic(), []
    with postgres_of_its_own() as postgres:
        async with GROUNDS[ground](tmp_path, kafka_server, postgres, seed) as it:
            for _ in range(times):
                async with it.driven():
                    await until_acknowledged(it, 30)
                    since = time.monotonic()
                    await asyncio.to_thread(getattr(kafka_server, end))
                    await told_not_ready(it, "bus", *HEARING[ground])
                    await asyncio.sleep(seconds - (time.monotonic() - since))
                    await asyncio.to_thread(kafka_server.start)
                    await until_acknowledged(it, 30)
                    await until_ready(it)
                    until = time.monotonic() - 1
                found += never_refused(it.attempts, since, until)
                assert not it.ended(), it.ended()
            found += await it.come_to_rest()
            conclude(it, f"Kafka away ({end}), {ground}", times, began, found)
