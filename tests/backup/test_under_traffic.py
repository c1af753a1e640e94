"""A backup taken under traffic restores to a house in which nothing is missed or doubled."""

import asyncio
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from services.backup import embedded
from services.settings import ProcessSettings
from tests.backup.lives import FirstLife, child_in, live, second_life, told
from tests.conftest import Rounds
from tests.failures.checkers import agree, letters_as_caused
from tests.failures.platform_campaign import Traffic, scenery, violations
from tests.failures.processes import ended
from tests.journeys.house import entered

pytestmark = [pytest.mark.anyio, pytest.mark.failures, pytest.mark.slow, pytest.mark.campaign]


async def first_life(data: Path, archive: Path, seed: int) -> FirstLife:
    """Live the first life in `data`, with a backup in the middle; it ends by SIGKILL."""
    child = child_in(data)
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, data, data / "mail") as house:
            traffic = Traffic(await scenery(house), random.Random(seed))

            async def back_up() -> None:
                await asyncio.to_thread(told, data, "backup", str(archive))

            return await live(traffic, house, back_up)


async def test_nothing_is_missed_or_doubled_over_both_lives(
    tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """Restored over what is left of the old house: all that was acknowledged before the backup is
    there, and no letter came twice in the two lives together.
    """
    for number in range(rounds(sample=1, whole=30)):
        data, archive = tmp_path / f"data{number}", tmp_path / f"{number}.tar"
        first = await first_life(data, archive, seed + number)
        agree(seed, violations(first.traffic, first.seen, data))
        told(data, "restore", str(archive), "--force")
        child = child_in(data)
        with ended(child):
            seen, wrong = await second_life(child, data, first)
        wrong = [each for each in wrong if not each.startswith("causeless")]  # of the first life
        agree(seed, wrong, letters_as_caused(first.seen.letters, seen.letters))
        shutil.rmtree(data)


LOST_MAILS = ("unnoted: ", "unwritten: 0 letters registration-", "unwritten: 0 letters booking-")
"""The mails themselves are lost with the machine; what is noted of each is in the store."""


async def restored_elsewhere(tmp_path: Path, archive: Path, first: FirstLife) -> list[str]:
    """Restore where nothing is left of the first life; return what is wrong with the second."""
    data = tmp_path / "elsewhere"
    told(data, "restore", str(archive))
    child = child_in(data)
    with ended(child):
        _, wrong = await second_life(child, data, first)
    return [each for each in wrong if not each.startswith(LOST_MAILS)]


async def test_a_lost_machine_is_restored_from_the_archive_alone(tmp_path: Path, seed: int) -> None:
    """On another machine the house is whole: every fact that it holds has exactly one delivery."""
    archive = tmp_path / "archive.tar"
    first = await first_life(tmp_path / "data", archive, seed)
    agree(seed, await restored_elsewhere(tmp_path, archive, first))


@pytest.mark.parametrize(
    ("order", "sign"),
    [(1, "causeless: "), (-1, "unwritten: 0 letters events")],
    ids=["the log last", "the log first"],
)
async def test_copies_of_different_moments_are_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, order: int, sign: str
) -> None:
    """A backup that copies file after file tells of facts that nobody holds, or loses letters."""

    @contextmanager
    def one_after_another(files: Sequence[Path]) -> Iterator[dict[Path, sqlite3.Connection]]:
        with ExitStack() as opened:
            found = {}
            for path in files[::order]:
                connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                found[path] = opened.enter_context(closing(connection))
                connection.execute("BEGIN")
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                time.sleep(0.3)
            yield found

    monkeypatch.setattr(embedded, "one_instant", one_after_another)
    data, archive = tmp_path / "data", tmp_path / "archive.tar"
    child = child_in(data)
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, data, data / "mail") as house:
            traffic = Traffic(await scenery(house), random.Random(seed))

            async def back_up() -> None:
                settings = ProcessSettings(data=data)
                await asyncio.to_thread(embedded.back_up, settings, archive)

            first = await live(traffic, house, back_up)
    found = await restored_elsewhere(tmp_path, archive, first)
    assert any(each.startswith(sign) for each in found), f"seed {seed}: {found[:20]}"
