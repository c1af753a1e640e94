"""What a restore refuses, what it sets aside, and what a restored house knows and forgets."""

import shutil
from pathlib import Path

import pytest

from services.backup.marks import age_of_last_backup
from shared.messaging.embedded.storage import take_lock
from tests.backup.conftest import Kept
from tests.backup.lives import child_in, command, told
from tests.failures.platform_campaign import scenery
from tests.failures.processes import Ended, ended
from tests.journeys.house import House, entered
from tests.journeys.test_canaries import forms

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NAME, ADDRESS = "Quetzalina Erasdottir", "quetzalina.erased@canary.example"


def test_a_running_house_is_not_replaced(kept: Kept, tmp_path: Path) -> None:
    """Who holds the log of the folder is named, and nothing is touched, with --force or without."""
    data = shutil.copytree(kept.data, tmp_path / "data")
    lock = take_lock(data / "log.sqlite")
    assert lock
    said = command(data, "restore", str(kept.archive), "--force")
    assert said.returncode == 1
    assert "stop it first" in said.stderr
    assert not list(data.glob("replaced-*"))


@pytest.mark.parametrize("left", ["stores/events.sqlite", "stores/x.sqlite-wal", "log.sqlite-wal"])
def test_a_folder_that_holds_something_is_refused(kept: Kept, tmp_path: Path, left: str) -> None:
    """A journal alone is something: beside restored stores it would be read as theirs."""
    (tmp_path / "stores").mkdir()
    (tmp_path / left).write_bytes(b"left over")
    said = command(tmp_path, "restore", str(kept.archive))
    assert said.returncode == 1
    assert left in said.stderr
    assert "--force" in said.stderr
    told(tmp_path, "restore", str(kept.archive), "--force")
    assert not (tmp_path / left).exists() or (tmp_path / left).read_bytes() != b"left over"
    (aside,) = tmp_path.glob("replaced-*")
    assert (aside / left).read_bytes() == b"left over"


async def test_a_restore_that_was_cut_short_lets_no_house_start(kept: Kept, tmp_path: Path) -> None:
    """Stores and log may be of two instants then; the same restore run again mends it."""
    data = shutil.copytree(kept.data, tmp_path / "data")
    (data / "restore-unfinished").touch()
    child = child_in(data)
    with ended(child):
        with pytest.raises(Ended, match="cut short"):
            await child.start().until_ready()
        told(data, "restore", str(kept.archive), "--force")
        await child.start().until_ready()


async def test_a_restored_house_ends_sessions_and_begins_its_feed_anew(
    kept: Kept, tmp_path: Path
) -> None:
    """Who signed out since is not signed in, and an old place in the feed is told to be none."""
    told(tmp_path / "data", "restore", str(kept.archive))
    child = child_in(tmp_path / "data")
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, tmp_path / "data", tmp_path / "data" / "mail") as house:
            answer = await house.admin.client.get("/v1/messages", params={"after": kept.cursor})
            assert answer.status_code == 410
            assert (await house.admin.get("/v1/messages"))["items"]
            session = await house.caller(kept.token)
            assert (await session.client.get("/v1/deliveries")).status_code == 401
            assert (await house.admin.client.get("/v1/deliveries")).status_code == 200
            metrics = (await house.admin.client.get("/metrics")).text
        assert "andan_backup_age_seconds +Inf" in metrics


def test_the_age_of_the_last_backup_is_known(kept: Kept, tmp_path: Path) -> None:
    """It is counted from the instant that the archive holds."""
    assert 0 <= age_of_last_backup(kept.data) < 3600
    assert age_of_last_backup(tmp_path) == float("inf")


async def test_whoever_was_erased_since_stays_erased(tmp_path: Path) -> None:
    """Restored over the old folder, or elsewhere with it as the ledger, no byte tells of the
    person; from the archive alone nobody could know, and all is there.
    """
    data, archive = tmp_path / "data", tmp_path / "archive.tar"
    child = child_in(data)
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, data, data / "mail") as house:
            person, stays = await registered(house)
            told(data, "backup", str(archive))
            await house.admin.post(f"/v1/registrations/{person}/erasure", expect=200)
            await house.rest()
        child.kill()
    told(data, "restore", str(archive), "--force")
    (aside,) = data.glob("replaced-*")
    told(tmp_path / "with", "restore", str(archive), "--ledger", str(aside))
    told(tmp_path / "without", "restore", str(archive))
    for folder, is_erased in (
        (data, True),
        (tmp_path / "with", True),
        (tmp_path / "without", False),
    ):
        child = child_in(folder)
        with ended(child):
            await child.start().until_ready()
            async with entered(child.url, folder, folder / "mail") as house:
                await house.rest()
                assert (await house.admin.get(f"/v1/registrations/{stays}"))["name"] == "Stays"
            assert child.terminate() == 0
        found = telling(folder)
        assert not found if is_erased else found, f"{folder}: {found}"


async def registered(house: House) -> tuple[str, str]:
    """Register two people for one event; return their registrations."""
    event = next(iter((await scenery(house)).events))
    ids = []
    for name, address in ((NAME, ADDRESS), ("Stays", "stays@example.org")):
        wish = {"name": name, "contact": {"email": address}, "sector": "academia"}
        made = await house.admin.post(f"/v1/events/{event}/registrations", wish)
        ids.append(made["id"])
    await house.rest()
    return ids[0], ids[1]


def telling(data: Path) -> list[str]:
    """Return the files of a house (not what was set aside) that tell of the person."""
    return [
        str(path.relative_to(data))
        for path in sorted(data.rglob("*"))
        if path.is_file()
        and not path.relative_to(data).parts[0].startswith("replaced-")
        and any(form in path.read_bytes() for text in (NAME, ADDRESS) for form in forms(text))
    ]
