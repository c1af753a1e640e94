"""A small house that was lived in, and its archive; made once for the tests that only read it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.backup.lives import child_in, told
from tests.failures.platform_campaign import scenery
from tests.failures.processes import ended
from tests.journeys.house import entered


@dataclass
class Kept:
    """The data folder of a stopped house, and the archive that was made while it ran."""

    data: Path
    archive: Path
    token: str
    """A session of the time of the backup."""
    cursor: str
    """A place in the feed of the time of the backup."""


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Return a house with a few facts, and its archive."""
    folder = tmp_path_factory.mktemp("kept")
    return asyncio.run(_live(folder / "data", folder / "archive.tar"))


async def _live(data: Path, archive: Path) -> Kept:
    child = child_in(data)
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, data, data / "mail") as house:
            await scenery(house)
            link = (await house.admin.post("/v1/sign-in-links", {}))["url"]
            session = await house.admin.post("/v1/sessions", {"token": link.rpartition("/")[2]})
            feed = await house.admin.get("/v1/messages")
            for folder, name in (("boxes", "a-box"), ("years", "2021")):
                (data / "keys" / folder).mkdir(exist_ok=True)
                for kind in ("key", "destroyed"):
                    key = data / "keys" / folder / f"{name}{'-gone' * (kind != 'key')}.{kind}"
                    key.touch(0o600)
            told(data, "backup", str(archive))
        assert child.terminate() == 0
    return Kept(data, archive, session["token"], feed["after"])
