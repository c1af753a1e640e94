"""Processes killed while surveys open, are answered and close, on real Kafka and PostgreSQL."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from tests.conftest import Rounds
from tests.failures.checkers import agree
from tests.failures.distributed.faults import bag
from tests.failures.distributed.house import standing
from tests.failures.distributed.own_servers import servers
from tests.failures.record import note
from tests.failures.surveys_campaign import (
    LOOKED_IN,
    PEOPLE,
    Client,
    doubled_ballots,
    invitations,
    kill_within,
    miscounted,
    scenery,
    through,
)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.connected,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.campaign,
]

CONCERNED = ("surveys", "events", "notifications", "gateway")
"""The processes that a survey passes through."""


@pytest.mark.timeout(7200)
async def test_every_ballot_is_mailed_once_and_counted_once(
    tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """Killed at random instants, each who came is invited once and each answer is counted once."""
    dice = random.Random(seed)
    names = bag(CONCERNED, dice)
    wrong: list[str] = []
    began = time.monotonic()
    with servers() as both:
        async with standing(tmp_path, **both) as house:
            asked = await scenery(house.house, rounds(sample=3, whole=100), dice)
            wrong += await house.move(LOOKED_IN)
            client = Client(house.house)

            async def kill() -> None:
                name = next(names)
                await asyncio.to_thread(house.run.kill, name)
                await house.launch(name)
                await house.until_ready(name)

            for each in asked:
                await asyncio.gather(
                    through(client, house.house, each, wrong), kill_within(kill, client, dice)
                )
            await house.until_ready()
            wrong += await house.move(house.now)
            letters, unnoted = await house.house.letters_and_unnoted()
            wrong += [f"unnoted: {each}" for each in unnoted]
            wrong += invitations(asked, letters) + doubled_ballots(house.house, asked)
            wrong += [sentence for each in asked for sentence in miscounted(each)]
            wrong += await house.stores.unsettled()
    answers = len(asked) * PEOPLE
    note(
        "SIGKILL of a process while a survey is answered",
        len(asked),
        checks={"I5": answers, "I14": answers, "I19": answers},
        violations=wrong,
        seed=seed,
        seconds=time.monotonic() - began,
    )
    agree(seed, wrong)
    assert client.cut > 0, "no request was cut: the kills missed the flow"
