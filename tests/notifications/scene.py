"""Notifications running alone, told what the other services would tell it."""

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select

from services.notifications.app import create_service
from services.notifications.models import Contact, Delivery
from services.notifications.settings import Settings
from shared.clock import ReplayClock
from shared.contracts.booking import (
    BookingContact,
    BookingContactGiven,
    BookingWish,
    RoomOpened,
)
from shared.contracts.envelope import Envelope
from shared.contracts.events import (
    AttendanceClosed,
    EventContact,
    EventContactGiven,
    EventPublished,
)
from shared.contracts.events.event import EventDescription
from shared.contracts.events.registration import RegistrationFact
from shared.contracts.message import Message
from shared.contracts.surveys import Ballots, BallotsMade, SurveyClosed
from shared.ids import new_id
from shared.messaging.appender import OutboxRecord
from shared.service import Service
from shared.store.plumbing import inbox
from shared.testing.fixtures import MakeUrl
from shared.testing.running import Running, running

NOON = datetime(2023, 4, 1, 10, tzinfo=UTC)
EVENT = "event-1"
ROOM = "room-1"
SURVEY = "5f2c9c1e-6a1b-4c57-9d0e-0b8f4d8a7c21"

R = TypeVar("R", bound=RegistrationFact)
B = TypeVar("B", bound=BookingWish)


@dataclass
class Scene:
    """The running service, its clock and its folder of mails."""

    it: Running
    clock: ReplayClock
    folder: Path
    heard: list[OutboxRecord] = field(default_factory=list)

    async def hear(
        self, *messages: Message, sequence: int = 1, told_at: datetime | None = None
    ) -> list[str]:
        """Tell the service something and wait until it has dealt with it; return the ids."""
        records = []
        for message in messages:
            envelope = Envelope(
                id=new_id(),
                source="https://test.example",
                type=message.type,
                time=told_at or self.clock.now(),
                subject=message.subject(),
                sequence=sequence,
            )
            key, body = message.key().encode(), message.encode()
            records.append(OutboxRecord(message.topic, key, body, envelope.to_headers()))
        self.heard += records
        await self._append(records)
        return [dict(each.headers)["ce_id"].decode() for each in records]

    async def repeat(self) -> None:
        """Tell everything that was told once more, with the same ids."""
        await self._append(self.heard)

    async def _append(self, records: list[OutboxRecord]) -> None:
        appender = await self.it.bus.appender("test")
        await appender.append(records)
        await appender.close()
        await self.it.quiet()
        await look_again(self.it.service)
        await self.it.quiet()

    def contact(self, registration_id: str, **more: Any) -> EventContactGiven:
        """Return the sealed contact of a registration."""
        values = {
            "name": "Åsa Öberg",
            "email": "asa@example.org",
            "language": "sv",
            "event_id": EVENT,
            "manage_token": f"link_{registration_id}",
        }
        contact = EventContact.model_validate(values | more)
        sealed = self.it.keyring.sealer().seal(contact.encode())
        return EventContactGiven(registration_id=registration_id, sealed=sealed)

    def booking_contact(self, booking_id: str, **more: Any) -> BookingContactGiven:
        """Return the sealed contact of a booking."""
        values = {"name": "Alex Ek", "email": "alex@example.org", "language": "sv"}
        contact = BookingContact.model_validate(values | more)
        sealed = self.it.keyring.sealer().seal(contact.encode())
        return BookingContactGiven(booking_id=booking_id, sealed=sealed)

    def ballots(
        self,
        *secrets: str,
        survey_id: str = SURVEY,
        part: int = 1,
        parts: int = 1,
        event_id: str = EVENT,
        days: int = 14,
    ) -> BallotsMade:
        """Return the sealed ballots of a survey, of these secrets."""
        inside = Ballots(tokens=[f"{survey_id}.{secret}" for secret in secrets])
        return BallotsMade(
            survey_id=survey_id,
            event_id=event_id,
            closes_at=self.clock.now() + timedelta(days=days),
            part=part,
            parts=parts,
            sealed=self.it.keyring.sealer().seal(inside.encode()),
        )

    async def move(self, by: timedelta) -> None:
        """Let time pass, stopping at everything that is due on the way."""
        until = self.clock.now() + by
        while True:
            await self.it.quiet()
            due = (await self.it.service.quiet()).next_due
            if due is None or due > until:
                break
            self.clock.move(max(due, self.clock.now()))
        self.clock.move(until)
        await self.it.quiet()

    def mails(self) -> list[EmailMessage]:
        """Return the mails in the folder, in the order in which they were written."""
        paths = sorted((self.folder / "mail").glob("*.eml"))
        return [parsed(path.read_bytes()) for path in paths]

    async def deliveries(self) -> list[Delivery]:
        """Return all deliveries in order."""
        async with self.it.service.store.read() as reader:
            return list((await reader.scalars(select(Delivery).order_by(Delivery.id))).all())

    async def contacts(self) -> list[Contact]:
        """Return all contacts in order."""
        async with self.it.service.store.read() as reader:
            return list((await reader.scalars(select(Contact).order_by(Contact.id))).all())

    async def forget_inbox(self) -> None:
        """Delete every inbox row, as if their time had passed."""
        async with self.it.service.store.work() as work:
            await work.execute(inbox.delete())


@asynccontextmanager
async def scene(
    make_url: MakeUrl,
    folder: Path,
    *,
    dialect: str = "sqlite",
    at: datetime = NOON,
    **options: Any,
) -> AsyncIterator[Scene]:
    """Start notifications at `at`; a second time on the same folder, it is the same bus."""
    clock = ReplayClock(at)
    async with running(
        create_service,
        make_url,
        folder,
        dialect=dialect,
        clock=clock,
        settings_class=Settings,
        **options,
    ) as it:
        yield Scene(it, clock, folder)


async def look_again(service: Service) -> None:
    """Let messages that wait try once more, as they do by themselves after a while."""
    for consumer in service.consumers:
        await consumer.look_again(timedelta(seconds=-1))


def rewind(folder: Path) -> None:
    """Let every group of a stopped bus read from the beginning again."""
    with sqlite3.connect(folder / "log.sqlite") as log:
        log.execute("DELETE FROM committed")
    log.close()


def parsed(content: bytes) -> EmailMessage:
    """Return a mail as a reader understands it."""
    mail = message_from_bytes(content, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def text_of(mail: EmailMessage) -> str:
    """Return the plain text of a mail."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(mail: EmailMessage) -> str:
    """Return the HTML of a mail."""
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def calendar_of(mail: EmailMessage) -> str | None:
    """Return the calendar file of a mail, or None."""
    for part in mail.walk():
        if part.get_content_type() == "text/calendar":
            return str(part.get_content())
    return None


def event(kind: type[EventDescription] = EventPublished, **more: Any) -> EventDescription:
    """Return an event in May."""
    values = {
        "event_id": EVENT,
        "format": "dialogforum",
        "titles": {"sv": "Jämlik hälsa", "en": "Equal health"},
        "capacity": 80,
        "starts_at": datetime(2023, 5, 11, 7, tzinfo=UTC),
        "ends_at": datetime(2023, 5, 11, 10, tzinfo=UTC),
        "time_zone": "Europe/Stockholm",
        "local_date": "2023-05-11",
        "year": 2023,
        "place": "Föreningscentret Nobel 21, Salen",
    }
    return kind.model_validate(values | more)


def fact(kind: type[R], registration_id: str = "r1", **more: Any) -> R:
    """Return a fact about a registration whose contact was given."""
    values = {"event_id": EVENT, "year": 2023, "registration_id": registration_id}
    return kind.model_validate(values | {"contact_given": True} | more)


def room() -> RoomOpened:
    """Return the room that bookings are for."""
    return RoomOpened.model_validate(
        {
            "room_id": ROOM,
            "venue_id": "venue-1",
            "on": "2023-01-01",
            "name": "Salen",
            "venue_name": "Föreningscentret Nobel 21",
            "capacity": 70,
            "time_zone": "Europe/Stockholm",
        }
    )


def booking(kind: type[B], booking_id: str = "b1", **more: Any) -> B:
    """Return a fact about a booking whose contact was given."""
    values = {
        "booking_id": booking_id,
        "room_id": ROOM,
        "starts_at": NOON + timedelta(days=3),
        "ends_at": NOON + timedelta(days=3, hours=2),
        "expected_people": 20,
        "venue_id": "venue-1",
        "time_zone": "Europe/Stockholm",
        "local_date": "2023-04-04",
        "contact_given": True,
    }
    return kind.model_validate(values | more)


_BALLOT = re.compile(r"https://test\.example/(sv|en)/e/([0-9a-f-]{36}\.[\w-]+)")


def invited(mails: list[EmailMessage]) -> dict[str, str]:
    """Return the ballot that each address was mailed; fails where one has two."""
    found: dict[str, str] = {}
    for mail in mails:
        if match := _BALLOT.search(text_of(mail)):
            address = mail["To"].addresses[0].addr_spec
            assert address not in found
            found[address] = match[2]
    return found


def attendance_closed(attended: int, event_id: str = EVENT) -> AttendanceClosed:
    """Return the last word about the event."""
    return AttendanceClosed(event_id=event_id, year=2023, attended=attended)


def survey_closed(survey_id: str = SURVEY) -> SurveyClosed:
    """Return the end of the survey."""
    return SurveyClosed(survey_id=survey_id, event_id=EVENT, year=2023)
