"""The toys' process killed under traffic: nothing lost, nothing doubled; planted bugs are found."""

import random
from pathlib import Path

import pytest

from tests.conftest import Rounds
from tests.failures.checkers import agree
from tests.failures.processes import Child, ended
from tests.failures.toy_campaign import (
    Traffic,
    kill_under_traffic,
    remains_of_files,
    toys,
    until_quiet,
    violations,
)

pytestmark = [pytest.mark.anyio, pytest.mark.failures, pytest.mark.slow]

PLANTED = {
    "marks-first": "lost",
    "backwards": "disorder",
    "forgets-what-was-taken": "doubled",
    "takes-apart": "lost",
    "answers-first": "lost",
    "ignores-keys": "doubled",
}
"""Each bug of the process, and the word by which a checker tells of it."""

FEW = 12
"""So many kills at most; a bug escapes one of them in a third of the cases at the worst."""


async def come_to_rest(child: Child, traffic: Traffic, folder: Path) -> list[str]:
    """Start once more, settle what is unknown, wait for quiet, stop; return what is wrong."""
    await child.start().until_ready()
    await traffic.settle()
    await until_quiet(child.url, f"{child.url}/ledger")
    assert child.terminate() == 0, child.said[-2000:]
    return violations(traffic.history, remains_of_files(folder))


@pytest.mark.campaign
async def test_nothing_is_lost_or_doubled_however_often_it_is_killed(
    tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """After kills at random instants, each acknowledged loan has its one row, line and name."""
    child = toys(tmp_path)
    traffic = Traffic([child.url], random.Random(seed))
    with ended(child):
        for _ in range(rounds(sample=5, whole=100)):
            await child.start().until_ready()
            await kill_under_traffic(child, traffic)
        agree(seed, await come_to_rest(child, traffic, tmp_path))
    figures = traffic.history.figures()
    assert figures["ok"] > 100
    assert figures["unknown"] > 0, "no attempt was cut: the kills missed the traffic"


async def test_a_stop_under_traffic_is_clean_and_loses_nothing(tmp_path: Path, seed: int) -> None:
    """SIGTERM while requests are in flight: status 0, and everything acknowledged is held."""
    child = toys(tmp_path)
    traffic = Traffic([child.url], random.Random(seed))
    with ended(child):
        await child.start().until_ready()
        await kill_under_traffic(child, traffic, Child.terminate)
        assert child.wait() == 0, child.said[-2000:]
        agree(seed, await come_to_rest(child, traffic, tmp_path))


@pytest.mark.parametrize("bug", PLANTED)
async def test_the_campaign_finds_a_planted_bug(tmp_path: Path, seed: int, bug: str) -> None:
    """A process with one bug is caught within few kills, by the checker that is meant for it."""
    child = toys(tmp_path, bug=bug)
    traffic = Traffic([child.url], random.Random(seed))
    found: list[str] = []
    with ended(child):
        for _ in range(FEW):
            await child.start().until_ready()
            await kill_under_traffic(child, traffic)
            found = await come_to_rest(child, traffic, tmp_path)
            if any(sentence.startswith(f"{PLANTED[bug]}:") for sentence in found):
                return
    pytest.fail(f"{bug} was not found, seed {seed}; what was found: {found[:5]}")
