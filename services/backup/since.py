"""What was said after a backup, and must not be forgotten with the state that a restore replaces.

Two things outlive the return to an older state: whom it was asked to forget, and which letters are
out. Both stand on topics without a name or an address.
"""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from sqlalchemy import update

import services
from services.backup.archive import ArchiveUnusable, Manifest, unpack
from services.backup.refusal import BackupRefused
from services.gateway.feed.beginning_anew import begin_anew
from services.notifications.handlers.restored import RememberLetter, remember_letter
from services.topology import WITH_STORE
from shared.clock import SystemClock
from shared.contracts.booking import BookingContactErasureRequested
from shared.contracts.envelope import Envelope, MalformedEnvelope
from shared.contracts.events import RegistrationErasureRequested
from shared.contracts.message import UnknownMessage, decode
from shared.contracts.notifications import DeliveryFact
from shared.messaging.embedded.headers import Headers
from shared.messaging.embedded.log import EmbeddedLog, NewRecord
from shared.messaging.embedded.past import records_of
from shared.store import Store, Work
from shared.store.migrations import head
from shared.store.plumbing import inbox
from shared.store.scheduler import utc_day
from shared.store.work import decode_headers

ERASURES: Final = frozenset(
    {RegistrationErasureRequested.topic, BookingContactErasureRequested.topic}
)
OUTLIVES: Final = ERASURES | {DeliveryFact.topic}
LOG: Final = "log.sqlite"
STORES: Final = "stores"


@dataclass
class Since:
    """What was found, each message once, in the order in which it was said."""

    said: dict[str, NewRecord] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    """The places that could not be read: what only they tell is lost."""

    def add(self, records: Iterable[NewRecord]) -> None:
        """Add what is not there yet."""
        for record in records:
            self.said.setdefault(_id_of(record.headers), record)

    def look_into(self, folder: Path) -> None:
        """Add what the log of a folder tells, and what its stores had yet to send."""
        if (log := folder / LOG).exists():
            self._add_from(log, _logged)
        for store in sorted((folder / STORES).glob("*.sqlite")):
            self._add_from(store, _unsent)

    def look_into_copy(self, path: Path) -> None:
        """Add what an archive tells, or another folder; raises BackupRefused."""
        if path.is_dir():
            if not (path / LOG).exists():
                raise BackupRefused(f"There is no {LOG} in {path}: it tells of no erasures.")
            self.look_into(path)
            return
        with tempfile.TemporaryDirectory(prefix="andan-ledger-") as folder:
            try:
                unpack(path, Path(folder))
            except ArchiveUnusable as error:
                raise BackupRefused(f"{path} cannot be used as a ledger: {error}.") from error
            self.look_into(Path(folder))

    def _add_from(self, path: Path, read: Callable[[Path], list[NewRecord]]) -> None:
        try:
            self.add(read(path))
        except sqlite3.Error as error:
            self.unread.append(f"{path} ({error})")


def _logged(log: Path) -> list[NewRecord]:
    return records_of(log, OUTLIVES)


def _unsent(store: Path) -> list[NewRecord]:
    with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        connection.execute("PRAGMA query_only=1")
        rows = connection.execute(
            "SELECT topic, key, headers, body FROM outbox WHERE sent_at IS NULL AND topic IN"
            " (SELECT value FROM json_each(?)) ORDER BY seq",
            (json.dumps(sorted(OUTLIVES)),),
        ).fetchall()
    return [
        NewRecord(topic, key, body, decode_headers(headers)) for topic, key, headers, body in rows
    ]


def new_to(folder: Path, since: Since) -> list[NewRecord]:
    """Return what neither the log nor the stores of a restored folder know of."""
    known = Since()
    known.look_into(folder)
    return [record for id_, record in since.said.items() if id_ not in known.said]


def append_to(log: Path, records: Sequence[NewRecord]) -> None:
    """Append to a restored log what was said since."""
    bus = EmbeddedLog(log)
    bus.open()
    try:
        present = set(bus.names())
        bus.append([record for record in records if record.topic in present])
    finally:
        bus.close()


async def prepare(service: str, url: str, said: Sequence[NewRecord]) -> None:
    """Bring the restored store of a service, at `url`, to where the service may start.

    It gets the tables of this Andan, and hears what concerns it of what was said since.
    """
    store = Store(
        url,
        service=service,
        source="",
        clock=SystemClock(),
        migrations=migrations_of(service),
    )
    try:
        await store.open()
        await _tell(store, said)
    finally:
        await store.close()


def migrations_of(service: str) -> Path:
    """Return the folder of a service's migrations."""
    return Path(services.__file__).parent / service / "migrations"


def check_revisions(manifest: Manifest) -> None:
    """Raise ArchiveUnusable where the stores are of a newer Andan than this one."""
    for name, revision in manifest.revisions.items():
        if name not in WITH_STORE or revision > head(migrations_of(name)):
            raise ArchiveUnusable(f"it is of a newer Andan ({manifest.version}, {name} {revision})")


async def _tell(store: Store, said: Sequence[NewRecord]) -> None:
    async with store.work() as work:
        await _guard_longer(work)
        if store.service == "gateway":
            await begin_anew(work)
        if store.service == "notifications":
            for record in said:
                if (letter := _letter(record)) is not None:
                    await remember_letter(work, letter)


async def _guard_longer(work: Work) -> None:
    """Let the inbox begin its days anew: what was taken before may be heard again from now on."""
    today = utc_day(datetime.now(UTC))
    await work.execute(update(inbox).values(day=today))


def _letter(record: NewRecord) -> RememberLetter | None:
    if record.topic != DeliveryFact.topic:
        return None
    try:
        envelope = Envelope.from_headers(record.headers)
        fact = decode(envelope.type, record.value, record.key)
    except (MalformedEnvelope, UnknownMessage, ValidationError):
        return None  # no service could have understood it either
    return RememberLetter(fact, envelope.time) if isinstance(fact, DeliveryFact) else None


def _id_of(headers: Headers) -> str:
    return (dict(headers).get("ce_id") or b"").decode(errors="replace")
