"""The journey on the embedded platform: one process, no other software."""

from pathlib import Path

import pytest

from tests.failures.processes import Child, ended
from tests.journeys.house import entered
from tests.journeys.journey import BEGIN, travel

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_the_journey_in_one_process(tmp_path: Path) -> None:
    """From a booked room to the year's figures; then the process stops cleanly."""
    child = Child(
        "services",
        log=tmp_path / "log.txt",
        environment={"ANDAN_DATA": str(tmp_path), "ANDAN_REPLAY_FROM": BEGIN.isoformat()},
    )
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, tmp_path, tmp_path / "mail") as house:
            await travel(house)
        assert child.terminate() == 0, child.said[-2000:]
    assert "Traceback" not in child.said
