"""The keys in a backup: which are never in one, and whose keys a restored folder needs."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.backup.refusal import BackupRefused
from shared.security.keyring import BOXES, ERASURE, YEARS

KEYS: Final = "keys"
_DESTROYED: Final = ".destroyed"


def installation(keys: Path) -> str:
    """Return a name of the installation that these keys are of, which tells nothing of them."""
    try:
        secret = (keys / ERASURE).read_bytes().strip()
    except OSError as error:
        raise BackupRefused(f"There are no keys of a house in {keys} ({error.strerror}).") from None
    return hashlib.sha256(b"andan installation\n" + secret).hexdigest()


def copy_keys(keys: Path, target: Path) -> None:
    """Copy the keys that a backup may hold, and which ones were destroyed.

    The keys of years and of ballot boxes are made to be destroyed: a copy would undo that.
    """
    for path in _kept(keys):
        place = target / path.relative_to(keys)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(path, place)
        place.chmod(0o600)


def _kept(keys: Path) -> Iterator[Path]:
    yield from (path for path in keys.iterdir() if path.is_file() and path.name[0] != ".")
    for folder in (YEARS, BOXES):
        yield from (keys / folder).glob(f"[!.]*{_DESTROYED}")


def fill_in(keys: Path, brought: Path) -> None:
    """Add to the keys of a folder what is missing there; what was destroyed stays destroyed."""
    for path in sorted(_kept(brought)):
        place = keys / path.relative_to(brought)
        if not place.exists():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copy(path, place)
            place.chmod(0o600)
