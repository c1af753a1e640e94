"""The archive of a backup: a tar file with a manifest by which every byte is checked."""

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

MANIFEST: Final = "manifest.json"
NAME: Final = re.compile(r"(?!\.)[A-Za-z0-9._-]+(/(?!\.)[A-Za-z0-9._-]+){0,2}")
"""What a file in an archive may be called: it can never lead out of the folder."""
_CHUNK: Final = 1 << 20
_LARGEST_MANIFEST: Final = 64 << 20


class ArchiveUnusable(Exception):
    """The archive cannot be used: it is damaged, or none of ours."""


class Kept(BaseModel):
    """A file of the archive as it was when it was put there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int
    sha256: str


class Manifest(BaseModel):
    """What an archive holds, of which instant, and how every byte of it is checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    mode: Literal["embedded", "distributed"]
    version: str
    """Of Andan."""
    made_at: AwareDatetime
    has_keys: bool
    installation: str
    """Which installation's keys open it: a hash of the one key that is never changed."""
    revisions: dict[str, str]
    """The newest migration of each store."""
    positions: dict[str, dict[str, list[int | None]]] = {}
    """What each group had acknowledged on Kafka: by group and topic, a number per partition."""
    files: dict[str, Kept] = {}


def release() -> str:
    """Return the version of Andan that runs here."""
    try:
        return version("andan")
    except PackageNotFoundError:
        return "unknown"


def pack(folder: Path, manifest: Manifest, target: Path) -> Manifest:
    """Write all files of `folder` into the archive `target`: whole, or not at all."""
    files = {str(path.relative_to(folder)): path for path in _files(folder)}
    for name in files:
        if not NAME.fullmatch(name):
            raise ArchiveUnusable(f"a file called {name!r} cannot be put into an archive")
    full = manifest.model_copy(
        update={"files": {name: _look_at(path) for name, path in sorted(files.items())}}
    )
    sealed = folder / MANIFEST
    sealed.write_text(_with_sum(full.model_dump_json(indent=1)), "utf-8")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.partial")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(handle, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for name, path in ((MANIFEST, sealed), *sorted(files.items())):
                    tar.add(path, name, recursive=False, filter=_nobody)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _keep_name(target)
    return full


def read_manifest(archive: Path) -> Manifest:
    """Return what an archive says of itself; raises ArchiveUnusable."""
    with _open(archive) as tar:
        return _manifest(tar)


def unpack(archive: Path, folder: Path, *only: str) -> Manifest:
    """Put the files of an archive (or `only` some of them) into `folder`, each checked.

    Raises ArchiveUnusable where a byte is missing, changed or added.
    """
    with _open(archive) as tar:
        manifest = _manifest(tar)
        left = dict(manifest.files)
        try:
            for member in tar:
                if member.name == MANIFEST:
                    continue
                kept = left.pop(member.name, None)
                if kept is None or not member.isreg() or not NAME.fullmatch(member.name):
                    raise ArchiveUnusable(f"it holds {member.name!r}, of which it says nothing")
                if only and member.name not in only:
                    continue
                _take(tar, member, kept, folder / member.name)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise ArchiveUnusable(f"it is damaged ({error})") from error
    if left:
        raise ArchiveUnusable(f"it lacks {', '.join(sorted(left))}")
    return manifest


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, kept: Kept, path: Path) -> None:
    content = tar.extractfile(member)
    assert content is not None
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if (size, digest.hexdigest()) != (kept.size, kept.sha256):
        raise ArchiveUnusable(f"{member.name} in it is not as it was written")


def _open(archive: Path) -> tarfile.TarFile:
    """Return an archive opened for reading; what is no archive raises ArchiveUnusable."""
    try:
        return tarfile.open(archive, "r:")
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveUnusable(f"it is no archive ({error})") from error
    except OSError as error:
        raise ArchiveUnusable(f"it cannot be read ({error.strerror})") from error


def _manifest(tar: tarfile.TarFile) -> Manifest:
    try:
        first = tar.next()
        if first is None or first.name != MANIFEST or first.size > _LARGEST_MANIFEST:
            raise ArchiveUnusable("it does not begin with a manifest")
        file = tar.extractfile(first)
        assert file is not None
        text, _, told = file.read().decode().rstrip("\n").rpartition("\n")
        if _sum(text) != told:
            raise ArchiveUnusable("its manifest is not as it was written")
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ArchiveUnusable("its manifest is of another version of Andan") from error
    except (tarfile.TarError, EOFError, OSError, UnicodeDecodeError) as error:
        raise ArchiveUnusable(f"it is damaged ({error})") from error


def _with_sum(text: str) -> str:
    return f"{text}\n{_sum(text)}\n"


def _sum(text: str) -> str:
    return json.dumps({"sha256": hashlib.sha256(text.encode()).hexdigest()})


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _look_at(path: Path) -> Kept:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Kept(size=path.stat().st_size, sha256=digest)


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Let a member tell nothing of who made it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _keep_name(path: Path) -> None:
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
