"""Every kind of process ended and paused at random, on real Kafka and PostgreSQL, under traffic."""

import logging
from pathlib import Path

import pytest

from services.topology import SERVICES
from tests.conftest import PROFILE, Rounds
from tests.failures.checkers import agree
from tests.failures.distributed.faults import Fault
from tests.failures.distributed.own_servers import servers
from tests.failures.distributed.rounds import Bout, Found, play
from tests.failures.record import note

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.connected,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.campaign,
]

log = logging.getLogger(__name__)

REPLICAS = {"events": 2, "notifications": 2, "reporting": 2}
KILLS = [(Fault.KILL, 25)] * 4
OTHERS = [(Fault.STOP, 10), (Fault.FREEZE, 5), (Fault.FREEZE, 5)]
SAMPLE = [(Fault.KILL, 8), (Fault.STOP, 2), (Fault.FREEZE, 2)]
WHOLE = 10
"""Rounds of a whole campaign: 1,000 kills, 100 stops, 100 freezes, and what the years add."""


def bouts() -> list[Bout]:
    """Return the faults of a round: everything in a whole campaign, a taste in a sample."""
    return [*KILLS, *OTHERS] if PROFILE == "campaign" else SAMPLE


@pytest.mark.timeout(7200)
async def test_processes_that_end_or_pause_at_any_instant_do_no_harm(
    tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """Killed, stopped, or asleep for longer than their sessions, one or two at once: what was
    acknowledged is there once, told once, in order; and it is counted once in the year.
    """
    found = Found()
    count = rounds(sample=1, whole=WHOLE)
    for number in range(count):
        folder = tmp_path / str(number)
        log.info("round %s of %s, seed %s", number + 1, count, seed + number)
        try:
            with servers() as both:
                await play(folder, bouts(), seed + number, found, replicas=REPLICAS, **both)
        except Exception as error:  # noqa: BLE001 -- what breaks a round off is a finding of it
            found.wrong[Fault.KILL].append(f"broken off: {error!r}")
        if found.all_wrong:
            break
    for fault in Fault:
        note(
            fault,
            found.times(fault),
            checks=found.checks if fault is Fault.KILL else {},
            violations=found.wrong[fault],
            seed=seed,
            seconds=found.seconds.get(fault, 0.0),
        )
    agree(seed, found.all_wrong)
    assert found.outcomes["ok"] > 50 * count
    assert found.outcomes["unknown"] > 0, "no attempt was cut: the faults missed the traffic"
    if PROFILE == "campaign":
        assert {name for _, name in found.struck} >= set(SERVICES)
