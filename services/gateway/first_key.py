"""The first administrator's key: made once, told once, kept where only its owner reads it."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy.exc import IntegrityError

from services.gateway.handlers import MakeApiKey, add_key
from services.gateway.queries import has_any_key
from shared.security.api_keys import ApiKey, new_api_key, parse_api_key
from shared.security.principal import SCOPES
from shared.store import Store

FILE: Final = "admin-key"
_NAME: Final = "The first administrator"


class FirstKeyUnreadable(Exception):
    """The file of the first key holds something else."""


async def ensure_first_key(store: Store, data: Path) -> str | None:
    """Make the first key where none was ever made, and return its text to be told once.

    The file is written before the row: a start that is cut short between the two takes the key
    of the file at its next try. The same goes for a new store beside an old file: its owner has
    that key, so it goes on counting and nothing new is told (None). Where keys exist, none is
    made. Raises FirstKeyUnreadable where the file holds no key.
    """
    async with store.read() as reader:
        if await has_any_key(reader):
            return None
    path = data / FILE
    made = _write(path, new_api_key())
    key = parse_api_key(path.read_text("ascii").strip())
    if key is None:
        raise FirstKeyUnreadable(f"{path} holds no API key; move it away to have one made.")
    with suppress(IntegrityError):  # another process was first, with the key of the same file
        async with store.work() as work:
            if await has_any_key(work):
                return None
            add_key(work, key, MakeApiKey(_NAME, list(SCOPES), None, None))
    return str(key) if made else None


def _write(path: Path, key: ApiKey) -> bool:
    """Write the file with its key whole, or leave the one that is there; tell which."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{key.id}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{key}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        with suppress(FileExistsError):
            os.link(beside, path)
            return True
        return False
    finally:
        beside.unlink()
