"""Backup and restore of an embedded house: its folder, as it was at one instant."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from services.backup.archive import ArchiveUnusable, Manifest, pack, release, unpack
from services.backup.instant import NoInstant, copy, one_instant
from services.backup.keys import KEYS, copy_keys, fill_in, installation
from services.backup.marks import UNFINISHED, note_backup
from services.backup.refusal import BackupRefused
from services.backup.since import LOG, STORES, Since, append_to, check_revisions, new_to, prepare
from services.gateway.first_key import FILE as ADMIN_KEY
from services.settings import ProcessSettings
from services.topology import WITH_STORE
from shared.messaging.embedded.errors import LogInUse
from shared.messaging.embedded.log import NewRecord
from shared.messaging.embedded.storage import take_lock

MAIL: Final = "mail"
STAGING: Final = "restoring"
REPLACED: Final = "replaced-"


@dataclass(frozen=True)
class Restored:
    """What a restore did."""

    manifest: Manifest
    since: int
    """How many erasures and letters were known that the backup does not hold."""
    unread: list[str]
    replaced: Path | None
    """Where what was there before lies now."""


def back_up(
    settings: ProcessSettings, target: Path, *, with_keys: bool = True, with_mails: bool = False
) -> Manifest:
    """Write an archive of the house, which may be running: all of it of one instant.

    Raises BackupRefused, and then leaves no archive.
    """
    data = settings.data
    files = [data / STORES / f"{name}.sqlite" for name in WITH_STORE] + [data / LOG]
    if missing := [str(path) for path in files if not path.exists()]:
        raise BackupRefused(f"There is no house in {data}: {', '.join(missing)} is missing.")
    name = installation(data / KEYS)
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".andan-backup-") as folder:
            staged = Path(folder)
            (staged / STORES).mkdir()
            with one_instant(files) as snapshots:
                made_at = datetime.now(UTC)
                for path, snapshot in snapshots.items():
                    copy(snapshot, staged / path.relative_to(data))
            if with_keys:
                copy_keys(data / KEYS, staged / KEYS)
                shutil.copy(data / ADMIN_KEY, staged / ADMIN_KEY)
            if with_mails and (data / MAIL).is_dir():
                _copy_mails(data / MAIL, staged / MAIL)
            manifest = Manifest(
                mode="embedded",
                version=release(),
                made_at=made_at,
                has_keys=with_keys,
                installation=name,
                revisions={each: _revision(staged, each) for each in WITH_STORE},
            )
            manifest = pack(staged, manifest, target)
    except (NoInstant, sqlite3.Error, ArchiveUnusable, OSError) as error:
        raise BackupRefused(f"The house in {data} cannot be copied: {error}.") from error
    note_backup(data, made_at)
    return manifest


async def restore(
    settings: ProcessSettings, archive: Path, *, force: bool = False, ledgers: Sequence[Path] = ()
) -> Restored:
    """Put the house of an archive into the data folder, whole; what was there is moved aside.

    Whom it was asked to forget since, and which letters are out, it learns from what is replaced
    and from `ledgers` (newer archives, or other folders). Raises BackupRefused, having changed
    nothing.
    """
    data = settings.data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        lock = take_lock(data / LOG)
    except LogInUse as error:
        raise BackupRefused(f"A house is running in {data}: stop it first ({error}).") from error
    staged = data / STAGING
    try:
        if not force and (there := _what_is_there(data)):
            raise BackupRefused(
                f"{data} holds something already ({', '.join(there)}); --force moves it aside."
            )
        shutil.rmtree(staged, ignore_errors=True)
        manifest = unpack(archive, staged)
        _check(manifest, data)
        since = _since(data, ledgers)
        new = new_to(staged, since)
        await _prepare(staged, new)
        append_to(staged / LOG, new)
        _stand_alone(staged)
        return Restored(manifest, len(new), since.unread, _swap(data, staged, manifest))
    except ArchiveUnusable as error:
        raise BackupRefused(f"{archive} cannot be used: {error}.") from error
    except (sqlite3.Error, OSError) as error:
        raise BackupRefused(f"{archive} cannot be restored into {data}: {error}.") from error
    finally:
        if not (data / UNFINISHED).exists():
            shutil.rmtree(staged, ignore_errors=True)
        os.close(lock)


def _what_is_there(data: Path) -> list[str]:
    """Return what makes a folder one that holds something; a journal alone is something."""
    there = [path.name for path in data.glob(f"{LOG}*") if not path.name.endswith(".lock")]
    there += [f"{STORES}/{path.name}" for path in (data / STORES).glob("*")]
    there += [UNFINISHED] if (data / UNFINISHED).exists() else []
    return sorted(there)


def _check(manifest: Manifest, data: Path) -> None:
    """Refuse an archive that this Andan, or these keys, could not open."""
    if manifest.mode != "embedded":
        raise ArchiveUnusable("it is of a distributed house (DATABASE_URL says where to restore)")
    check_revisions(manifest)
    if not manifest.has_keys and installation(data / KEYS) != manifest.installation:
        raise ArchiveUnusable(f"it holds no keys, and those in {data / KEYS} are of another house")


def _since(data: Path, ledgers: Sequence[Path]) -> Since:
    since = Since()
    for folder in (data, *sorted(data.glob(f"{REPLACED}*"))):
        since.look_into(folder)
    for path in ledgers:
        since.look_into_copy(path)
    return since


async def _prepare(staged: Path, new: Sequence[NewRecord]) -> None:
    for name in WITH_STORE:
        path = staged / STORES / f"{name}.sqlite"
        if path.exists():  # a service that is newer than the archive begins with a new store
            await prepare(name, f"sqlite:///{path}", new)


def _stand_alone(staged: Path) -> None:
    """Write journals back, so that each file is whole by itself; refuse where one stays."""
    for path in (staged / LOG, *(staged / STORES).glob("*.sqlite")):
        with closing(sqlite3.connect(path)) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if left := [path.name for path in staged.rglob("*-wal")]:
        raise OSError(f"{', '.join(left)} could not be written back")


def _swap(data: Path, staged: Path, manifest: Manifest) -> Path | None:
    """Move what is there aside, and what was staged in its place; cut short, no house starts."""
    (data / UNFINISHED).write_text("a restore\n", "ascii")
    aside = data / f"{REPLACED}{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    theirs = [*data.glob(f"{LOG}*"), data / STORES]
    others_keys = (data / KEYS).exists() and not _same_house(data / KEYS, manifest)
    theirs += [data / KEYS] if others_keys else []
    theirs += [data / ADMIN_KEY] if (staged / ADMIN_KEY).exists() else []
    moved = False
    for path in theirs:
        if path.exists() and not path.name.endswith(".lock"):
            aside.mkdir(mode=0o700, exist_ok=True)
            path.rename(aside / path.name)
            moved = True
    for name in (STORES, ADMIN_KEY, LOG):
        if (staged / name).exists():
            (staged / name).rename(data / name)
    if (staged / KEYS).exists():
        (data / KEYS).mkdir(mode=0o700, exist_ok=True)
        fill_in(data / KEYS, staged / KEYS)
    if (staged / MAIL).exists():
        _copy_mails(staged / MAIL, data / MAIL)
    os.sync()
    (data / UNFINISHED).unlink()
    return aside if moved else None


def _same_house(keys: Path, manifest: Manifest) -> bool:
    try:
        return installation(keys) == manifest.installation
    except BackupRefused:
        return True  # keys without the one that names the house are filled in


def _copy_mails(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in source.glob("[!.]*.eml"):
        if not (target / path.name).exists():
            shutil.copy(path, target / path.name)


def _revision(folder: Path, service: str) -> str:
    with closing(sqlite3.connect(folder / STORES / f"{service}.sqlite")) as file:
        (revision,) = file.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(revision)
