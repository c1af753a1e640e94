"""What keeps the platform from starting or working: said in a sentence, and recovered from."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.failures.processes import Child, ended
from tests.journeys.house import Caller, entered
from tests.required import unavailable

pytestmark = [pytest.mark.anyio, pytest.mark.failures, pytest.mark.slow]

MEGABYTE = 1 << 20


def platform(data: Path, log: Path, port: int | None = None) -> Child:
    """Return the embedded platform on a data folder."""
    return Child("services", log=log, port=port, environment={"ANDAN_DATA": str(data)})


def last_words(child: Child) -> str:
    """Start a platform that cannot run; return the one sentence it leaves with."""
    with ended(child):
        status = child.start().wait(30)
    said = child.said
    assert status == 1, f"exit status {status}: {said[-2000:]}"
    assert "Traceback" not in said, said[-3000:]
    spoken = [line for line in said.splitlines() if line and not line.startswith("{")]
    assert spoken, f"nothing was said: {said[-2000:]}"
    assert " ".join(spoken).startswith("Andan cannot start. "), spoken
    return " ".join(spoken)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB of its own, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    size = f"size={24 * MEGABYTE}"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    tried = shutil.which("mount") and subprocess.run(mount, check=False, capture_output=True)
    if not tried or tried.returncode:
        unavailable("a small disk needs the right to mount one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_busy_port_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    """The sentence names the port and the way out; the data folder stays as it was."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = last_words(platform(tmp_path / "data", tmp_path / "log.txt", port))
    assert f"Port {port} " in said
    assert "PORT=" in said


async def test_a_second_process_on_the_same_data_is_refused(tmp_path: Path) -> None:
    """The second says that the folder is in use; the first goes on."""
    first = platform(tmp_path, tmp_path / "first.txt")
    with ended(first):
        await first.start().until_ready()
        said = last_words(platform(tmp_path, tmp_path / "second.txt"))
        assert str(tmp_path) in said
        assert httpx2.get(f"{first.url}/readyz", trust_env=False).status_code == 200
        assert first.terminate() == 0


@pytest.mark.parametrize("setting", [{"PORT": "abc"}, {"ANDAN_REPLAY_FROM": "yesterday"}])
def test_a_setting_that_is_none_is_told(tmp_path: Path, setting: dict[str, str]) -> None:
    """The sentence names the setting, and nothing of Python."""
    child = platform(tmp_path, tmp_path / "log.txt")
    child.environment |= setting
    (name,) = setting
    assert name.removeprefix("ANDAN_").casefold() in last_words(child).casefold()


async def test_a_store_that_cannot_be_written_is_told(small_disk: Path, tmp_path: Path) -> None:
    """On a disk that was made read-only the sentence names the store; once writable, it runs."""
    child = platform(small_disk, tmp_path / "log.txt")
    with ended(child):
        await child.start().until_ready()
        assert child.terminate() == 0
        remount = ["mount", "-o", "remount,ro", str(small_disk)]
        subprocess.run(remount, check=True)
        said = last_words(platform(small_disk, tmp_path / "refused.txt"))
        assert str(small_disk) in said
        remount[2] = "remount,rw"
        subprocess.run(remount, check=True)
        await child.start().until_ready()
        assert child.terminate() == 0


def fill(disk: Path) -> Path:
    """Take the last byte of a disk; return the file to delete."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        chunk = b"\0" * MEGABYTE
        while chunk:
            try:
                file.write(chunk)
            except OSError:
                chunk = chunk[: len(chunk) // 2]
    return ballast


async def open_venue(admin: Caller, name: str) -> int:
    """Ask for a venue; return the status of the answer."""
    body = {"name": name, "time_zone": "Europe/Stockholm"}
    return (await admin.client.post("/v1/venues", json=body)).status_code


async def test_a_full_disk_is_refused_and_recovered_from(small_disk: Path, tmp_path: Path) -> None:
    """While the disk is full writes are refused as 503 and reads answered; with space again,
    everything that was acknowledged is there and writing goes on by itself.
    """
    child = platform(small_disk, tmp_path / "log.txt")
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, small_disk, small_disk / "mail") as house:
            made = ["before"] if await open_venue(house.admin, "before") == 201 else []
            ballast = fill(small_disk)
            statuses: list[int] = []
            while statuses[-5:] != [503] * 5:
                name = f"full-{len(statuses)}"
                statuses.append(await open_venue(house.admin, name))
                assert statuses[-1] in (201, 503)
                assert len(statuses) < 500, "the disk does not get full"
                if statuses[-1] == 201:
                    made.append(name)
            shown = [each["name"] for each in await house.admin.every("/v1/venues")]
            assert sorted(shown) == sorted(made)
            ballast.unlink()
            until = time.monotonic() + 20
            while await open_venue(house.admin, "after") != 201:
                assert time.monotonic() < until, "it did not recover"
            shown = [each["name"] for each in await house.admin.every("/v1/venues")]
            assert sorted(shown) == sorted([*made, "after"])
        await child.until_ready(20)
        assert child.terminate() == 0, child.said[-2000:]


async def test_a_disk_that_is_full_at_the_start_is_told(small_disk: Path, tmp_path: Path) -> None:
    """The sentence says that there is no space; with space again it starts."""
    data = small_disk / "data"
    data.mkdir()
    ballast = fill(small_disk)
    said = last_words(platform(data, tmp_path / "refused.txt"))
    assert "space" in said or "full" in said
    ballast.unlink()
    child = platform(data, tmp_path / "log.txt")
    with ended(child):
        await child.start().until_ready()
        assert child.terminate() == 0
