"""Several processes of one consumer share its partitions, whoever comes, goes or dies."""

import asyncio
import random
import re
import signal
import time
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment as MemberAssignment,
)

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

LINES = "SELECT count(*) FROM entry"
WAITING_SINCE = """
    SELECT coalesce(extract(epoch FROM max(clock_timestamp() - since)), 0)::int FROM waiting
"""


async def members(it: Fleet) -> dict[str, set[tuple[str, int]]]:
    """Return which partitions each member of the ledger's group has, by the member's name."""
    admin = AIOKafkaAdminClient(bootstrap_servers=it.kafka)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([f"andan.ledger.lines{it.mark}"])
    finally:
        await admin.close()
    found: dict[str, set[tuple[str, int]]] = {}
    for group in answer.to_object()["groups"]:
        if group["state"] != "Stable":
            continue
        for member in group["members"]:
            shares = MemberAssignment.decode(member["member_assignment"]).assignment
            found[member["member_id"]] = {
                (topic, number) for topic, numbers in shares for number in numbers
            }
    return found


async def shared_by(it: Fleet, count: int, seconds: float = 60) -> dict[str, set[tuple[str, int]]]:
    """Wait until so many members have all six partitions between them; return who has which."""
    async with asyncio.timeout(seconds):
        while True:
            found = await members(it)
            if len(found) == count and sum(len(each) for each in found.values()) == 6:
                return found
            await asyncio.sleep(0.1)


async def moved_on(it: Fleet, lines: int = 60) -> None:
    """Wait until so many further lines were written."""
    begin = await it.ask("ledger", LINES)
    async with asyncio.timeout(90):
        while await it.ask("ledger", LINES) < begin + lines:
            await asyncio.sleep(0.1)


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.campaign)])
async def test_processes_share_the_partitions(
    count: int,
    tmp_path: Path,
    kafka_bootstrap: str,
    postgres_server: Databases,
    seed: int,
    rounds: Rounds,
) -> None:
    """Every partition is read by one of them; while some join, leave and die, each message has one
    effect, and those of a key are in the order of their commits.
    """
    dice = random.Random(seed)
    async with fleet(tmp_path, kafka_bootstrap, postgres_server) as it:
        it.add("lender", "lender-p")
        names = [f"ledger-{number}" for number in range(count)]
        for name in names:
            it.add("ledger", name)
        await it.start("lender-p", *names[: count // 2])
        traffic = Traffic(it.lenders, dice)
        async with driven(traffic):
            await moved_on(it)
            await it.start(*names[count // 2 :])
            shares = await shared_by(it, count)
            assert all(shares.values()), f"somebody has nothing: {shares}"
            for _ in range(rounds(sample=1, whole=25)):
                for how in (signal.SIGKILL, signal.SIGTERM):
                    name = dice.choice(names)
                    await asyncio.sleep(dice.uniform(0, 0.5))
                    it.signal(name, how)
                    await asyncio.to_thread(it.all[name].wait, 60)
                    await shared_by(it, count - 1)
                    await moved_on(it)
                    await it.start(name)
                    await shared_by(it, count)
        wrong = await it.rest(traffic)
    agree(seed, wrong)


@pytest.mark.timeout(300)
async def test_nothing_waits_for_what_is_there(
    tmp_path: Path, kafka_bootstrap: str, postgres_server: Databases, seed: int
) -> None:
    """A message of one process that misses what another brings is woken at once, not by the look
    that each takes every ten seconds.
    """
    async with fleet(tmp_path, kafka_bootstrap, postgres_server) as it:
        it.add("lender", "lender-p")
        for name in ("ledger-p", "ledger-q"):
            it.add("ledger", name)
        await it.start()
        await shared_by(it, 2)
        traffic = Traffic(it.lenders, random.Random(seed), share_named=1.0)
        oldest = 0
        until = time.monotonic() + 15
        async with driven(traffic):
            while time.monotonic() < until:
                oldest = max(oldest, await it.ask("ledger", WAITING_SINCE))
                await asyncio.sleep(0.1)
        wrong = await it.rest(traffic)
    agree(seed, wrong, [f"slept: one waited {oldest} s"] if oldest > 5 else [])


@pytest.mark.timeout(300)
async def test_one_that_is_back_in_time_has_its_own_partitions(
    tmp_path: Path, kafka_bootstrap: str, postgres_server: Databases, seed: int
) -> None:
    """Killed and started again within its session, it goes on with what it had, and the other has
    noticed nothing; two of the same name fence each other, say so, and no effect is doubled.
    """
    async with fleet(tmp_path, kafka_bootstrap, postgres_server) as it:
        it.session_seconds = 30
        it.add("lender", "lender-p")
        for number in ("1", "2"):
            it.add("ledger", f"ledger-{number}", instance=number)
        await it.start()
        shares = await shared_by(it, 2)
        traffic = Traffic(it.lenders, random.Random(seed))
        async with driven(traffic):
            await moved_on(it)
            seen = generations(it.all["ledger-2"].said)
            it.all["ledger-1"].kill()
            killed = time.monotonic()
            await it.start("ledger-1")
            await moved_on(it)
            print(f"back and at work {time.monotonic() - killed:.1f} s after its death")  # noqa: T201 -- wanted
            after = await shared_by(it, 2)
            assert sorted(map(sorted, after.values())) == sorted(map(sorted, shares.values()))
            assert generations(it.all["ledger-2"].said) == seen, "the other was rebalanced"
            it.add("ledger", "twin", instance="2")
            await it.start("twin")
            async with asyncio.timeout(60):
                while "fenced: another process" not in it.all["ledger-2"].said:
                    await asyncio.sleep(0.2)
            lines = it.all["ledger-2"].said.count("\n")
            await moved_on(it)
            assert it.all["ledger-2"].said.count("\n") < lines + 200
            assert it.all["ledger-2"].said.count("fenced: another process") == 1
            it.all["ledger-2"].kill()
        wrong = await it.rest(traffic)
    agree(seed, wrong)


def generations(log: str) -> int:
    """Return in how many generations of the ledger's group a process has taken part."""
    return len(set(re.findall(r"andan\.ledger\.lines\S* \(generation (\d+)\)", log)))
