"""Backup and restore of a distributed house: its databases; the topics are Kafka's to keep.

The positions of the consumers are read first and set back by a restore: every message that a
store of that time had not heard comes again, and so do some that it had, which its inbox knows.
"""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from services.backup.archive import ArchiveUnusable, Manifest, pack, release, unpack
from services.backup.marks import note_backup
from services.backup.postgres import Database
from services.backup.refusal import BackupRefused
from services.backup.since import STORES, check_revisions, prepare
from services.settings import ProcessSettings
from services.topology import WITH_STORE, whole_house
from shared.contracts.notifications import DeliveryFact
from shared.messaging.broker import KafkaBus
from shared.messaging.declaration import GroupInUse
from shared.messaging.embedded.log import NewRecord
from shared.messaging.positions import KafkaPositions, Positions

GRACE_SECONDS: Final = 5.0
LOOK_EVERY_SECONDS: Final = 1.0
MARGIN: Final = timedelta(hours=1)
"""How much earlier than the backup a letter may have gone out of which its store knew nothing."""


async def back_up(settings: ProcessSettings, target: Path) -> Manifest:
    """Write all databases and the consumers' positions into one archive; raises BackupRefused."""
    bus, groups = _bus_and_groups(settings)
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".andan-backup-") as folder:
            staged = Path(folder)
            (staged / STORES).mkdir()
            made_at = datetime.now(UTC)
            async with bus.positions() as kafka:
                positions: Positions = await kafka.committed(groups)
            revisions = {}
            for name in WITH_STORE:
                database = Database(settings.store_url(name))
                revisions[name] = await database.revision()
                await database.dump(staged / STORES / f"{name}.dump")
            manifest = Manifest(
                mode="distributed",
                version=release(),
                made_at=made_at,
                has_keys=False,
                installation="",
                revisions=revisions,
                positions=positions,
            )
            manifest = pack(staged, manifest, target)
    except (ArchiveUnusable, OSError) as error:
        raise BackupRefused(f"The databases cannot be copied: {error}.") from error
    note_backup(settings.data, made_at)
    return manifest


async def restore(settings: ProcessSettings, archive: Path, *, force: bool = False) -> Manifest:
    """Put the databases of an archive in place and set the consumers back.

    Everything is filled and prepared beside, then renamed; what was there keeps its name with
    the time behind it. Raises BackupRefused.
    """
    bus, _ = _bus_and_groups(settings)
    targets = {name: Database(settings.store_url(name)) for name in WITH_STORE}
    stamp = f"{datetime.now(UTC):%y%m%d%H%M%S}"
    aside = {name: target.beside(f"old_{stamp}") for name, target in targets.items()}
    full = [name for name, target in targets.items() if await target.holds_something()]
    if full and not force:
        raise BackupRefused(
            f"The databases of {', '.join(full)} hold something already; --force moves them aside."
        )
    if used := [name for name, target in targets.items() if await target.is_used()]:
        raise BackupRefused(f"Somebody uses the databases of {', '.join(used)}: stop them first.")
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=settings.data, prefix=".restoring-") as folder:
            manifest = unpack(archive, Path(folder))
            if manifest.mode != "distributed":
                raise ArchiveUnusable("it is of an embedded house")
            check_revisions(manifest)
            async with bus.positions() as kafka:
                said = await _letters_since(kafka, manifest.made_at - MARGIN)
                for name in manifest.revisions:
                    beside = targets[name].beside("restoring")
                    await beside.create()
                    await beside.fill(Path(folder) / STORES / f"{name}.dump")
                    await prepare(name, beside.url, said)
                # Set back first: a store that is not replaced yet hears again what it knows.
                await _set_back(kafka, manifest.positions, settings.session_seconds)
    except ArchiveUnusable as error:
        raise BackupRefused(f"{archive} cannot be used: {error}.") from error
    except GroupInUse as error:
        raise BackupRefused(f"A service is running: stop it first ({error}).") from error
    except OSError as error:
        raise BackupRefused(f"{archive} cannot be restored: {error}.") from error
    for name in manifest.revisions:
        await targets[name].rename(aside[name])
        await targets[name].beside("restoring").rename(targets[name])
    return manifest


async def _set_back(kafka: KafkaPositions, positions: Positions, session_seconds: float) -> None:
    """Set the groups back; members that have their places kept are waited for until they lose them.

    Raises GroupInUse where some are still there after that.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + session_seconds + GRACE_SECONDS
    while True:
        try:
            await kafka.set_back(positions)
            return
        except GroupInUse:
            if loop.time() > until:
                raise
            await asyncio.sleep(LOOK_EVERY_SECONDS)


def _bus_and_groups(settings: ProcessSettings) -> tuple[KafkaBus, dict[str, list[str]]]:
    house = whole_house(settings)
    assert isinstance(house.bus, KafkaBus)
    subscriptions = [each for service in house.services for each in service.parts.subscriptions]
    return house.bus, {each.group: each.topics for each in subscriptions}


async def _letters_since(kafka: KafkaPositions, at: datetime) -> list[NewRecord]:
    found = await kafka.records_since(DeliveryFact.topic, at)
    return [NewRecord(each.topic, each.key, each.value, each.headers) for each in found]
