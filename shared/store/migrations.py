"""Bringing a store's tables up to date with alembic, one lineage per service."""

import asyncio
import re
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shared.store.engines import Engines
from shared.store.plumbing import PLUMBING

_ADVISORY_LOCK = 0x616E64616E  # "andan": one process at a time migrates a PostgreSQL database
_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
"""Alembic keeps its context in globals: one store after another migrates within a process."""


async def upgrade(engines: Engines, folder: Path) -> None:
    """Apply what is missing of the lineage in `folder` (versions/NNNN_name.py, in that order).

    A store that a newer version has brought further is left as it is: migrations only add, so
    that a process of the version before can start beside it.
    """
    loop = asyncio.get_running_loop()
    turn = _TURNS.setdefault(loop, asyncio.Lock())
    async with turn, engines.writer.begin() as connection:
        if engines.dialect == "postgresql":
            await connection.execute(
                sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK}
            )
        await connection.run_sync(_upgrade, folder)


def _upgrade(connection: Connection, folder: Path) -> None:
    if (_version(connection) or "") >= head(folder):
        return
    from alembic import command  # alembic costs 0.2 s to import, and is seldom needed

    command.upgrade(configuration(folder, connection), "head")


def configuration(folder: Path, connection: Connection) -> Any:
    """Return alembic's configuration for the lineage in `folder` on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("version_locations", str(folder / "versions"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head(folder: Path) -> str:
    """Return the newest revision: the number that the last file's name begins with."""
    files = sorted(folder.glob("versions/[0-9]*.py"))
    return re.match(r"\d+", files[-1].name).group()  # type: ignore[union-attr]  # the glob has a digit


def _version(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return version


def create_plumbing(op: Any) -> None:
    """Create the plumbing tables: the first step of every service's first migration."""
    PLUMBING.create_all(op.get_bind(), checkfirst=False)


def is_postgresql(op: Any) -> bool:
    """Say whether a migration runs on PostgreSQL."""
    return bool(op.get_bind().dialect.name == "postgresql")
