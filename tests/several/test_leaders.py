"""Two processes of one service: one of them relays, and the other takes over within ten seconds."""

import asyncio
import random
import signal
from pathlib import Path

import pytest

from shared.testing.postgres import Databases
from tests.conftest import Rounds
from tests.failures.checkers import agree
from tests.failures.toy_campaign import Traffic
from tests.several.fleet import Fleet, driven, fleet

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.postgres,
]

TAKE_OVER_SECONDS = 10.0


async def struck(it: Fleet, leader: str, other: str, how: signal.Signals) -> float:
    """Strike the leader; return how long nobody relayed; then have it back."""
    it.signal(leader, how)
    seconds = await it.take_over(other)
    if how == signal.SIGSTOP:
        it.signal(leader, signal.SIGCONT)
    else:
        await asyncio.to_thread(it.all[leader].wait, 60)
        await it.start(leader)
    return seconds


@pytest.mark.timeout(2400)
async def test_another_takes_over_from_a_leader(
    tmp_path: Path,
    kafka_bootstrap: str,
    postgres_server: Databases,
    seed: int,
    rounds: Rounds,
) -> None:
    """Killed, told to stop, or stopped in its tracks and woken later: within ten seconds another
    relays, each effect is there once, and per key in the order of commits.
    """
    dice = random.Random(seed)
    times: dict[str, list[float]] = {}
    async with fleet(tmp_path, kafka_bootstrap, postgres_server) as it:
        for name in ("lender-p", "lender-q"):
            it.add("lender", name)
        it.add("ledger", "ledger-p")
        await it.start()
        traffic = Traffic(it.lenders, dice)
        async with driven(traffic):
            for _round in range(rounds(sample=1, whole=34)):
                for how in (signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM):
                    leader = await it.leader()
                    (other,) = {"lender-p", "lender-q"} - {leader}
                    await asyncio.sleep(dice.uniform(0, 0.3))
                    seconds = await struck(it, leader, other, how)
                    times.setdefault(how.name, []).append(seconds)
        wrong = await it.rest(traffic)
    for word, found in times.items():
        print(f"take-over after {word}: {len(found)}, at most {max(found):.1f} s")  # noqa: T201 -- asked for
    late = [
        f"late: {max(found):.1f} s" for found in times.values() if max(found) > TAKE_OVER_SECONDS
    ]
    agree(seed, late, wrong)
