"""What an archive holds, and that every byte of it counts."""

import io
import random
import shutil
import tarfile
from pathlib import Path

import pytest

from services.backup.archive import ArchiveUnusable, read_manifest, unpack
from services.topology import WITH_STORE
from tests.backup.conftest import Kept
from tests.backup.lives import command, told

pytestmark = pytest.mark.slow


def names(archive: Path) -> set[str]:
    """Return what an archive holds."""
    with tarfile.open(archive) as tar:
        return set(tar.getnames())


def test_an_archive_holds_the_whole_house_for_its_owner_alone(kept: Kept) -> None:
    """Stores, log, keys and admin-key are in it, readable by nobody else; no mail, no journal."""
    held = names(kept.archive)
    stores = {f"stores/{name}.sqlite" for name in WITH_STORE}
    assert stores | {"manifest.json", "log.sqlite", "admin-key", "keys/erasure.key"} <= held
    assert not [name for name in held if name.endswith((".eml", "-wal", "-shm", ".lock"))]
    assert kept.archive.stat().st_mode & 0o777 == 0o600
    assert set(read_manifest(kept.archive).revisions) == set(WITH_STORE)


def test_a_key_that_is_made_to_be_destroyed_is_in_no_archive(kept: Kept) -> None:
    """Keys of years and ballot boxes stay out; that one was destroyed is told."""
    assert (kept.data / "keys/boxes/a-box.key").exists()
    held = names(kept.archive)
    assert not [
        name
        for name in held
        if name.startswith(("keys/boxes/", "keys/years/")) and name.endswith(".key")
    ]
    assert {"keys/boxes/a-box-gone.destroyed", "keys/years/2021-gone.destroyed"} <= held


def test_without_keys_nothing_in_the_archive_opens_anything(kept: Kept, tmp_path: Path) -> None:
    """Such an archive is restored beside the keys of its own house, and refused beside others."""
    data = shutil.copytree(kept.data, tmp_path / "data")
    archive = tmp_path / "without.tar"
    told(data, "backup", str(archive), "--without-keys", "--mails")
    assert not [name for name in names(archive) if "key" in name]
    refused = command(tmp_path / "new", "restore", str(archive))
    assert refused.returncode == 1
    assert "no keys" in refused.stderr
    shutil.copytree(kept.data / "keys", tmp_path / "new" / "keys")
    told(tmp_path / "new", "restore", str(archive))
    foreign = tmp_path / "foreign" / "keys"
    shutil.copytree(kept.data / "keys", foreign)
    (foreign / "erasure.key").write_text("x" * 44)
    assert "another house" in command(tmp_path / "foreign", "restore", str(archive)).stderr


def test_every_byte_counts(kept: Kept, tmp_path: Path, seed: int) -> None:
    """An archive with a byte changed is refused, or unpacks to the very same files."""
    whole = tmp_path / "whole"
    unpack(kept.archive, whole)
    content = kept.archive.read_bytes()
    dice = random.Random(seed)
    damaged, refused = tmp_path / "damaged.tar", 0
    for number in range(40):
        at = dice.randrange(len(content) if number % 2 else 20_000)
        damaged.write_bytes(
            content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]
        )
        folder = tmp_path / str(number)
        try:
            unpack(damaged, folder)
        except ArchiveUnusable:
            refused += 1
        else:
            assert files(folder) == files(whole), f"seed {seed}: byte {at}"
        shutil.rmtree(folder, ignore_errors=True)
    assert refused > 10


def files(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.98])
def test_an_archive_that_ends_too_soon_is_refused(kept: Kept, tmp_path: Path, share: float) -> None:
    """Nothing is restored of it, and the sentence names the archive."""
    content = kept.archive.read_bytes()
    short = tmp_path / "short.tar"
    short.write_bytes(content[: int(len(content) * share)])
    said = command(tmp_path / "data", "restore", str(short))
    assert said.returncode == 1
    assert said.stderr.startswith("Nothing was restored. ")
    assert str(short) in said.stderr
    assert "Traceback" not in said.stderr
    assert not list((tmp_path / "data").glob("[!l]*"))


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "stores/../../x", "more"])
def test_what_an_archive_does_not_tell_of_is_refused(kept: Kept, tmp_path: Path, name: str) -> None:
    """A file put into the archive by somebody else is never unpacked, least of all elsewhere."""
    more = tmp_path / "more.tar"
    shutil.copy(kept.archive, more)
    with tarfile.open(more, "a") as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(ArchiveUnusable):
        unpack(more, tmp_path / "in" / "side")
    assert not list(tmp_path.rglob("outside"))


def test_a_folder_without_a_house_has_no_backup(tmp_path: Path) -> None:
    """The sentence says so, and no archive is left."""
    said = command(tmp_path / "data", "backup", str(tmp_path / "a.tar"))
    assert said.returncode == 1
    assert said.stderr.startswith("No backup was made. There is no house in ")
    assert not (tmp_path / "a.tar").exists()
