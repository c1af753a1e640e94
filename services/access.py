"""Who may do what on Kafka in this house, and the passwords by which each says who it is."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services.process import CannotStart
from services.topology import PARTS
from shared.messaging.principals import ADMIN, Rule, principal, rules


def every_rule() -> list[Rule]:
    """Return all that the services may do, as it follows from what each hears."""
    return [rule for name, parts in PARTS.items() for rule in rules(name, parts.subscriptions)]


def make_passwords(folder: Path, *, admin: str | None = None) -> None:
    """Make what is missing of the passwords below `folder`, a file each; what is there stays.

    `admin` is the administrator's on a server that knows one already.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if admin is not None:
        _write(folder / ADMIN, admin)
    for name in (ADMIN, *PARTS):
        if not (folder / name).exists():
            _write(folder / name, secrets.token_hex(24))


def passwords(folder: Path) -> dict[str, str]:
    """Return the password of every service's user; raises CannotStart where one is missing."""
    return {principal(name): _read(folder, name) for name in PARTS}


def admin_password(folder: Path) -> str:
    """Return the administrator's password."""
    return _read(folder, ADMIN)


def credentials(folder: Path, service: str) -> dict[str, str]:
    """Return the variables by which a service's process logs in; none for one without the bus."""
    if service not in PARTS:
        return {}
    return {"KAFKA_USERNAME": principal(service), "KAFKA_PASSWORD": _read(folder, service)}


def admin_credentials(folder: Path) -> dict[str, str]:
    """Return the variables by which `topics`, `backup` and `restore` log in."""
    return {"KAFKA_USERNAME": ADMIN, "KAFKA_PASSWORD": admin_password(folder)}


def prepare(
    bootstrap_servers: str, folder: Path | None, *, replicas: int = 1, min_insync: int = 1
) -> None:
    """Make the topics and, with the passwords of `folder`, users and rules; raises CannotStart.

    The same as `python -m services topics`; may be called where an event loop runs.
    """
    from services.commands.topics import bring  # the command asks this module for its rules
    from services.settings import ProcessSettings

    told = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "kafka_replicas": replicas,
        "kafka_min_insync": min_insync,
        **({"kafka_passwords": folder, **admin_credentials(folder)} if folder else {}),
    }
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(asyncio.run, bring(ProcessSettings.model_validate(told))).result()


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(f"{text}\n", "ascii")


def _read(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text("ascii").strip()
    except OSError as error:
        raise CannotStart(
            f"The password of {name} on Kafka is not to be had ({folder / name}: {error.strerror})."
        ) from error
