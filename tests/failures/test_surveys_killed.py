"""The embedded platform killed while surveys open, are answered and close."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.conftest import Rounds
from tests.failures.checkers import agree
from tests.failures.platform_campaign import unsettled
from tests.failures.processes import Child, ended
from tests.failures.surveys_campaign import (
    BEGIN,
    LOOKED_IN,
    Client,
    doubled_ballots,
    invitations,
    kill_within,
    miscounted,
    scenery,
    through,
)
from tests.journeys.house import entered

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.campaign,
]


async def test_every_ballot_is_mailed_once_and_counted_once(
    tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """Killed at random instants, each who came is invited once and each answer is counted once."""
    dice = random.Random(seed)
    environment = {"ANDAN_DATA": str(tmp_path), "ANDAN_REPLAY_FROM": BEGIN.isoformat()}
    child = Child("services", log=tmp_path / "log.txt", environment=environment)
    wrong: list[str] = []
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, tmp_path, tmp_path / "mail") as house:
            asked = await scenery(house, rounds(sample=4, whole=100), dice)
            await house.until(LOOKED_IN)
            client = Client(house)
            child.environment["ANDAN_REPLAY_FROM"] = LOOKED_IN.isoformat()

            async def kill() -> None:
                await asyncio.to_thread(child.kill)
                await child.start().until_ready()

            for each in asked:
                await asyncio.gather(
                    through(client, house, each, wrong),
                    kill_within(kill, client, dice),
                )
            await house.rest()
            letters, unnoted = await house.letters_and_unnoted()
            wrong += [f"unnoted: {each}" for each in unnoted]
            wrong += invitations(asked, letters) + doubled_ballots(house, asked)
            wrong += [sentence for each in asked for sentence in miscounted(each)]
            assert child.terminate() == 0, child.said[-2000:]
    agree(seed, wrong, unsettled(tmp_path))
    assert client.cut > 0, "no request was cut: the kills missed the flow"
