"""The secrets of a house of containers: a folder per service with what it needs, and no more."""

import os
import secrets
from pathlib import Path
from typing import Final

import typer

from services.topology import SERVICES, WITH_STORE
from shared.security.keyring import (
    BOXES,
    ERASURE,
    INNER,
    LINKS,
    NOTIFICATIONS,
    SEALING_PRIVATE,
    SEALING_PUBLIC,
    YEARS,
    Keyring,
)

NOBODYS: Final = 10001
"""The user of the image, who is nobody on the machine."""

DATABASE: Final = "database_url"
DATABASE_SERVER: Final = "postgres:5432"
"""Where the containers find PostgreSQL."""

MAIL: Final = "smtp_url"
MAIL_SERVER: Final = "smtp://mailpit:1025"
"""Where letters go until somebody writes another address into the file."""

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "directory": (INNER,),
    "booking": (INNER, SEALING_PUBLIC, ERASURE),
    "events": (INNER, SEALING_PUBLIC, LINKS, ERASURE),
    "surveys": (INNER, SEALING_PUBLIC),
    "notifications": (INNER, SEALING_PRIVATE, NOTIFICATIONS, ERASURE),
    "reporting": (INNER,),
    "web": (INNER,),
    "gateway": (INNER,),
}
"""The keys that each service cannot start without; each is copied from the installation's."""

WRITABLE: Final[dict[str, str]] = {"events": YEARS, "surveys": BOXES}
"""Folders in which a service makes and destroys keys of its own."""


def secret_files(folder: Path) -> list[Path]:
    """Make what is missing of a house's secrets below `folder`; return the files that are new.

    `keys` holds all keys of the installation and is given to no container; `postgres` holds the
    passwords of the database's roles, one per service; `admin` is where the gateway writes the
    first key. What is there stays as it is, except that rotated keys are handed to the services
    once more.
    """
    os.umask(0o077)
    keys = folder / "keys"
    Keyring.open(keys).make_all()
    made: list[Path] = []
    for name in ("postgres", *WITH_STORE):
        made += _make(folder / "postgres" / name, secrets.token_hex(24))
    made += _make(folder / "grafana" / "password", secrets.token_hex(24))
    (folder / "admin").mkdir(exist_ok=True)
    made += _make(folder / "notifications" / MAIL, MAIL_SERVER)
    for service in SERVICES:
        for key in KEYS[service]:
            made += _copy(keys / key, folder / service / key)
        if service in WITH_STORE:
            password = (folder / "postgres" / service).read_text("ascii").strip()
            address = f"postgresql://{service}:{password}@{DATABASE_SERVER}/{service}"
            made += _make(folder / service / DATABASE, address)
        if service in WRITABLE:
            (folder / service / WRITABLE[service]).mkdir(exist_ok=True)
    return made


def make_secrets(folder: Path) -> None:
    """Make the secrets of a house of containers; a second run adds only what is missing."""
    made = secret_files(folder)
    user, group = _owner(folder)
    variables = folder / "compose.env"
    variables.write_text(
        f"ANDAN_USER={user}:{group}\nANDAN_SECRET_FILES={folder.resolve()}\n", "ascii"
    )
    typer.echo(f"{len(made)} files made below {folder}")
    typer.echo(f"Start the house with: docker compose --env-file {variables} up --detach")


def _owner(folder: Path) -> tuple[int, int]:
    """Return whose the files are, as whom the containers run; root gives them to nobody's user."""
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODYS, NOBODYS)
    return NOBODYS, NOBODYS


def _make(path: Path, text: str) -> list[Path]:
    if path.exists():
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n", "ascii")
    return [path]


def _copy(source: Path, path: Path) -> list[Path]:
    """Bring `path` to what `source` says, in place: a container sees the file, not its name."""
    text = source.read_text("ascii")
    is_new = not path.exists()
    if is_new or path.read_text("ascii") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "ascii")
    return [path] if is_new else []
