"""Letters that a test causes, and what became of them at both ends."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from services.notifications.models import Delivery
from shared.contracts.events import (
    EventContact,
    EventContactGiven,
    EventPublished,
    RegistrationConfirmed,
)
from shared.ids import new_id
from shared.messaging.appender import OutboxRecord
from shared.security.sealing import Sealer
from shared.store import Store
from tests.failures.alone import record_of
from tests.notifications.scene import event


@dataclass
class Causes:
    """Registrations that were confirmed, and the mailbox that each confirmation must reach."""

    sealer: Sealer
    event_id: str = field(default_factory=new_id)
    boxes: dict[str, str] = field(default_factory=dict)
    """The mailbox of each message that causes a letter."""

    def opening(self, at: datetime) -> list[OutboxRecord]:
        """Return the event that all register for."""
        starts_at = at + timedelta(days=30)
        told = event(
            EventPublished,
            event_id=self.event_id,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=2),
            local_date=starts_at.date(),
            year=starts_at.year,
        )
        return [record_of(told, at=at, sequence=1)]

    def confirmations(self, boxes: Iterable[str], at: datetime | None = None) -> list[OutboxRecord]:
        """Return, for each mailbox, that a registration was confirmed, with its contact."""
        at = at or datetime.now(UTC)
        records = []
        for box in boxes:
            registration_id = new_id()
            contact = EventContact(
                name="Åsa Öberg",
                email=box,
                language="sv",
                event_id=self.event_id,
                manage_token=f"link_{registration_id}",
            )
            sealed = self.sealer.seal(contact.encode())
            given = EventContactGiven(registration_id=registration_id, sealed=sealed)
            records.append(record_of(given, at=at))
            confirmed = RegistrationConfirmed(
                event_id=self.event_id,
                year=at.year,
                registration_id=registration_id,
                contact_given=True,
            )
            caused = record_of(confirmed, at=at, sequence=1)
            self.boxes[dict(caused.headers)["ce_id"].decode()] = box
            records.append(caused)
        return records


@dataclass(frozen=True)
class Ended:
    """What the store says of a letter: its mailbox, status and reason."""

    box: str
    status: str
    reason: str | None

    @property
    def outcome(self) -> str:
        """The status, or the reason of a failure."""
        return self.reason or self.status


async def deliveries(store: Store, boxes: dict[str, str]) -> list[Ended]:
    """Return what became of the letters that these messages caused."""
    async with store.read() as reader:
        rows = await reader.execute(
            select(col(Delivery.message_id), col(Delivery.status), col(Delivery.reason))
        )
        return [Ended(boxes[row[0]], row[1], row[2]) for row in rows if row[0] in boxes]


def mailboxes(moods: Iterable[str], each: int, chosen: random.Random) -> dict[str, str]:
    """Return so many mailboxes of each mood, mixed."""
    named = [
        (f"{mood.replace(' ', '-').replace(',', '')}-{number}-{new_id()[-6:]}@example.org", mood)
        for mood in moods
        for number in range(each)
    ]
    chosen.shuffle(named)
    return dict(named)
