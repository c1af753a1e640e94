"""The secrets of a house of containers: a folder per service with what it needs, and no more."""

import os
import secrets
from pathlib import Path
from typing import Final

import typer

from services.access import make_passwords
from services.topology import SERVICES, WITH_STORE
from shared.messaging.principals import ADMIN, client_properties, server_jaas
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

BUS: Final = "kafka_password"

PASSWORDS: Final = "passwords"
"""Where the container that makes Kafka's users finds what each is to log in with."""

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
    passwords of the database's roles, one per service; `topics` those of Kafka's users; `kafka`
    the administrator's, as Kafka reads it; `admin` is where the gateway writes the first key.
    What is there stays as it is, except that rotated keys and passwords are handed on once more.
    """
    os.umask(0o077)
    keys = folder / "keys"
    Keyring.open(keys).make_all()
    made: list[Path] = []
    for name in ("postgres", *WITH_STORE):
        made += _make(folder / "postgres" / name, secrets.token_hex(24))
    made += _make(folder / "grafana" / "password", secrets.token_hex(24))
    passwords = folder / "topics" / PASSWORDS
    make_passwords(passwords)
    made += _copy(passwords / ADMIN, folder / "topics" / BUS)
    made += _kafka_files(folder / "kafka", (passwords / ADMIN).read_text("ascii").strip())
    (folder / "admin").mkdir(exist_ok=True)
    made += _make(folder / "notifications" / MAIL, MAIL_SERVER)
    for service in SERVICES:
        for key in KEYS[service]:
            made += _copy(keys / key, folder / service / key)
        if service in WITH_STORE:
            made += _copy(passwords / service, folder / service / BUS)
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
        f"ANDAN_USER={user}:{group}\nANDAN_GROUP={group}\nANDAN_SECRET_FILES={folder.resolve()}\n",
        "ascii",
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


def _kafka_files(folder: Path, admin_password: str) -> list[Path]:
    """Write what Kafka reads; it runs as a user of its image's own, in the group of the files."""
    made: list[Path] = []
    for name, text in (
        ("jaas.conf", server_jaas(admin_password)),
        ("client.properties", client_properties(admin_password)),
    ):
        made += _bring(folder / name, text)
        (folder / name).chmod(0o640)
    folder.chmod(0o750)
    return made


def _copy(source: Path, path: Path) -> list[Path]:
    return _bring(path, source.read_text("ascii"))


def _bring(path: Path, text: str) -> list[Path]:
    """Bring `path` to a text, in place: a container sees the file, not its name."""
    is_new = not path.exists()
    if is_new or path.read_text("ascii") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "ascii")
    return [path] if is_new else []
