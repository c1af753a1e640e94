"""The embedded platform killed under traffic: every 201 has its letter and is counted once."""

import asyncio
import random
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Rounds
from tests.failures.checkers import agree
from tests.failures.history import Outcome
from tests.failures.platform_campaign import (
    ATTEND,
    BEGIN,
    ENDS,
    STARTS,
    Traffic,
    Wish,
    counted,
    kill_under,
    look,
    scenery,
    violations,
)
from tests.failures.processes import Child, ended
from tests.journeys.house import House, entered

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.campaign,
]


async def attend(child: Child, house: House, traffic: Traffic, ids: list[str]) -> None:
    """Mark everybody as attended, several at once, killing the process in the middle of it."""
    waiting = [
        Wish(f"a{id_}", ATTEND, f"/v1/registrations/{id_}/attendance", {"attended": True}, None)
        for id_ in ids
    ]
    kill_at = len(waiting) - traffic.random.randrange(len(waiting) // 2)

    async def mark() -> None:
        while waiting:
            wish = waiting.pop()
            attempt = await traffic.send(house.admin.client, wish)
            if attempt.outcome is Outcome.UNKNOWN:
                waiting.append(wish)
                await asyncio.sleep(0.1)

    marking = asyncio.gather(*(mark() for _ in range(4)))
    while len(waiting) >= kill_at:
        await asyncio.sleep(0.002)
    await asyncio.to_thread(child.kill)
    child.environment["ANDAN_REPLAY_FROM"] = (STARTS + timedelta(minutes=30)).isoformat()
    await child.start().until_ready()
    await marking


async def test_a_first_start_that_is_cut_short_is_finished_by_the_next(
    tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """Killed while it makes its stores, keys and first API key, it starts; the key is good."""
    dice = random.Random(seed)
    for number in range(rounds(sample=3, whole=50)):
        data = tmp_path / str(number)
        data.mkdir()
        environment = {"ANDAN_DATA": str(data), "ANDAN_REPLAY_FROM": BEGIN.isoformat()}
        child = Child("services", log=data / "log.txt", environment=environment)
        with ended(child):
            child.start()
            await asyncio.sleep(dice.uniform(0.5, 3))
            child.kill()
            await child.start().until_ready()
            async with asyncio.timeout(10):
                while not (data / "admin-key").exists():
                    await asyncio.sleep(0.02)
            async with entered(child.url, data, data / "mail") as house:
                await house.rest()
                await house.holder("booking:write")
            assert child.terminate() == 0, f"seed {seed}: {child.said[-2000:]}"


async def play(
    child: Child, data: Path, rounds: int, seed: int
) -> tuple[list[str], dict[str, int]]:
    """Kill the platform so often under traffic; return what is wrong, and how attempts ended."""
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, data, data / "mail") as house:
            traffic = Traffic(await scenery(house), random.Random(seed))
            for number in range(rounds):
                if number:
                    await child.start().until_ready()
                await kill_under(child, traffic, house.admin.client)
            await child.start().until_ready()
            await traffic.settle(house.admin.client)
            await house.rest()
            seen = await look(house, traffic.scenery)
            await house.until(STARTS + timedelta(minutes=30))
            came = [
                each["id"]
                for rows in seen.registrations.values()
                for each in rows
                if each["status"] == "confirmed"
            ]
            outcomes = traffic.history.figures()
            await attend(child, house, traffic, came)
            await house.until(ENDS + timedelta(days=4))
            figures = await counted(house, len(came))
            assert child.terminate() == 0, child.said[-2000:]
    return figures + violations(traffic, seen, data), outcomes


async def test_every_201_has_its_letter_and_is_counted_once(
    tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """After kills at random instants nothing acknowledged is lost, nothing is doubled, and what
    was never acknowledged is whole or absent.
    """
    environment = {"ANDAN_DATA": str(tmp_path), "ANDAN_REPLAY_FROM": BEGIN.isoformat()}
    child = Child("services", log=tmp_path / "log.txt", environment=environment)
    found, outcomes = await play(child, tmp_path, rounds(sample=4, whole=100), seed)
    agree(seed, found)
    assert outcomes["ok"] > 100
    assert outcomes["unknown"] > 0, "no attempt was cut: the kills missed the traffic"


async def test_the_campaign_finds_a_planted_bug(tmp_path: Path, seed: int) -> None:
    """Relays that mark before they send cost letters, and the campaign says which."""
    environment = {"ANDAN_DATA": str(tmp_path), "ANDAN_REPLAY_FROM": BEGIN.isoformat()}
    child = Child(
        "tests.failures.broken_platform",
        "marks-first",
        log=tmp_path / "log.txt",
        environment=environment,
    )
    found, _ = await play(child, tmp_path, 2, seed)
    lost = [each for each in found if each.startswith("unwritten: ") and "registration-" in each]
    assert lost, f"seed {seed}: {found}"
