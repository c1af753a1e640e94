"""`backup` and `restore`: the whole house into one archive, and back."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from services.backup import distributed, embedded
from services.backup.archive import Manifest
from services.backup.refusal import BackupRefused
from services.settings import ProcessSettings
from shared.messaging.credentials import LoginRefused

R = TypeVar("R")

_FOLDER = "backups"


def back_up(
    file: Annotated[Path | None, typer.Argument(help="The archive to write.")] = None,
    without_keys: Annotated[
        bool,
        typer.Option(
            "--without-keys",
            help="Leave keys and admin-key out: keep them apart, nothing can be read without.",
        ),
    ] = False,
    mails: Annotated[
        bool, typer.Option("--mails", help="Take the mails that lie in the data folder along.")
    ] = False,
) -> None:
    """Write the whole house into one archive, while it runs; nobody waits for it."""
    os.umask(0o077)
    settings = ProcessSettings()
    target = file or settings.data / _FOLDER / f"andan-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"

    def make() -> Manifest:
        if _is_distributed(settings):
            return asyncio.run(distributed.back_up(settings, target))
        return embedded.back_up(settings, target, with_keys=not without_keys, with_mails=mails)

    manifest = _told("No backup was made", make)
    held = "with its keys: keep it as safe as the house" if manifest.has_keys else "without keys"
    typer.echo(f"The house as of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC, {held}: {target}")


def restore(
    file: Annotated[Path, typer.Argument(help="The archive to restore.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also where a house is already; it is moved aside.")
    ] = False,
    ledger: Annotated[
        list[Path] | None,
        typer.Option(
            help="A newer archive or data folder that tells of erasures and letters since."
        ),
    ] = None,
) -> None:
    """Put the house of an archive in place; whoever was erased since stays erased."""
    os.umask(0o077)
    settings = ProcessSettings()

    def put() -> embedded.Restored | Manifest:
        if _is_distributed(settings):
            if ledger:
                raise BackupRefused("The topics on Kafka are the ledger: --ledger has no place.")
            return asyncio.run(distributed.restore(settings, file, force=force))
        return asyncio.run(embedded.restore(settings, file, force=force, ledgers=ledger or ()))

    done = _told("Nothing was restored", put)
    manifest = done if isinstance(done, Manifest) else done.manifest
    typer.echo(f"The house is as it was at {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC.")
    if isinstance(done, Manifest):
        typer.echo(
            "What was there before is kept in databases called <name>_old_<time>; they hold "
            "personal data, also of those who were erased: drop them soon."
        )
        return
    typer.echo(f"Erasures and letters since then that it knows of: {done.since}.")
    for place in done.unread:
        typer.echo(f"Not readable, so what only it tells of erasures is lost: {place}", err=True)
    if done.replaced is not None:
        typer.echo(
            f"What was there before lies in {done.replaced}; it holds personal data, "
            "also of those who were erased: delete it soon."
        )


def _is_distributed(settings: ProcessSettings) -> bool:
    """Say which of the two kinds of house the environment describes; refuse a mixture."""
    if bool(settings.database_url) != bool(settings.kafka_bootstrap_servers):
        raise BackupRefused(
            "DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS are set together (a distributed house) or "
            "neither (an embedded one)."
        )
    return bool(settings.database_url)


def _told(failure: str, run: Callable[[], R]) -> R:
    try:
        return run()
    except (BackupRefused, LoginRefused) as error:
        typer.echo(f"{failure}. {error}", err=True)
        raise typer.Exit(1) from None
