"""Two marks in a data folder: when it was last backed up, and that a restore was cut short."""

import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from shared.observability.metrics import Metrics
from shared.store.engines import StoreUnusable

LAST_BACKUP: Final = "last-backup"
UNFINISHED: Final = "restore-unfinished"


def note_backup(data: Path, at: datetime) -> None:
    """Remember that a backup of that instant is safely written."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = data / f".{LAST_BACKUP}"
    beside.write_text(at.isoformat() + "\n", "ascii")
    beside.replace(data / LAST_BACKUP)


def age_of_last_backup(data: Path) -> float:
    """Return how many seconds ago the last backup was made; infinity where there was none."""
    with suppress(OSError, ValueError):
        made_at = datetime.fromisoformat((data / LAST_BACKUP).read_text("ascii").strip())
        return max(0.0, time.time() - made_at.timestamp())
    return float("inf")


def watch_age(metrics: Metrics, data: Path) -> None:
    """Show on /metrics how old the last backup is, looked up whenever somebody asks."""
    metrics.backup_age_seconds.set_function(lambda: age_of_last_backup(data))


def refuse_unfinished(data: Path) -> None:
    """Raise StoreUnusable where a restore was cut short: stores and log are not of one instant."""
    if (data / UNFINISHED).exists():
        raise StoreUnusable(
            f"a restore into {data} was cut short; run it again, with --force, before anything else"
        )
