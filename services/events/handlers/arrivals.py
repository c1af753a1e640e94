"""The public's door: what is answered before anybody looks at who it is, and what follows.

The request notes what was asked and answers; the person is looked at afterwards, by a row of
`due`. So answer and effort are the same whoever asks, registered or not, known or not.
"""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlmodel import col

from services.events.contacts import Addressee, Contacts
from services.events.handlers.entering import enter
from services.events.handlers.facts import addressee, count, tell
from services.events.handlers.line import lock_places
from services.events.handlers.registrations import (
    Register,
    note_needs,
    row_of,
    who,
)
from services.events.models import Event, contact, places, registration
from services.events.persons import same_address
from services.events.rules.places import (
    RegistrationClosed,
    link_is_good_until,
    refuse_full,
    refuse_outside,
)
from shared.contracts.events import RegistrationPending
from shared.http.problems import NotFound
from shared.ids import new_id
from shared.store import Work
from shared.store.scheduler import Due

TOLD_AGAIN_AFTER = timedelta(hours=24)
LINKS_AGAIN_AFTER = timedelta(minutes=10)
MOST_LINKS = 100


async def knock(work: Work, command: Register) -> datetime:
    """Note that somebody asks for a place and return until when the link will be good.

    Raises NotFound, RegistrationClosed, or EventFull where there is no waiting list.
    """
    statement = select(places).where(places.c.event_id == command.event_id)
    row = (await work.execute(statement)).first()
    if row is None or not (row.is_open or await _was_public(work, command.event_id)):
        raise NotFound("There is no such event.")
    refuse_outside(row, work.now)
    refuse_full(row)
    data = {"command": asdict(command), "asked_at": work.now.isoformat()}
    await work.later("take-in", command.id, work.now, data)
    return link_is_good_until(work.now, row.starts_at)


async def _was_public(work: Work, event_id: str) -> bool:
    return bool(
        await work.scalar(select(col(Event.was_published)).where(col(Event.id) == event_id))
    )


async def take_in(work: Work, due: Due) -> None:
    """Enter what was asked for as pending; for somebody who is there already, remind at most."""
    asked = due.data["command"]
    needs = tuple((kind, detail) for kind, detail in asked["needs"])
    command = Register(**{**asked, "needs": needs})
    row = await lock_places(work, command.event_id)
    confirm_by = link_is_good_until(datetime.fromisoformat(due.data["asked_at"]), row.starts_at)
    if not row.is_open or work.now >= confirm_by:
        return
    try:
        entry = row_of(work, command, row, status="pending", seq=0, confirm_by=confirm_by)
    except RegistrationClosed:
        return
    if not await enter(work, entry, who(command), turns=0):
        await _remind(work, command, entry["person"])
        return
    await note_needs(work, command)
    await work.later("expire-registration", command.id, confirm_by)
    found = select(registration).where(registration.c.id == command.id)
    about: Any = (await work.execute(found)).one()
    tell(work, RegistrationPending, about, row.year, command.to, confirm_by=confirm_by)
    count(work, "pending")


async def _remind(work: Work, command: Register, person: str) -> None:
    """Mail "you are registered already", at most once a day per event and person."""
    statement = (
        select(registration)
        .where(
            registration.c.event_id == command.event_id,
            registration.c.person == person,
            registration.c.status.not_in(("cancelled", "declined")),
        )
        .with_for_update()
    )
    row = (await work.execute(statement)).first()
    if row is None or (row.told_again_at and work.now - row.told_again_at < TOLD_AGAIN_AFTER):
        return
    to = await addressee(work, row.id)
    if to is None:
        return
    told = update(registration).where(registration.c.id == row.id).values(told_again_at=work.now)
    await work.execute(told)
    work.need(Contacts).remind(work, row.id, to, row.event_id)


@dataclass(frozen=True)
class AskForLinks:
    """Somebody has lost the mails with the links."""

    email: str = field(repr=False)


async def ask_for_links(work: Work, command: AskForLinks) -> None:
    """Note the address; whether anything is mailed to it, the answer does not tell."""
    await work.later("send-links", new_id(), work.now, {"email": command.email})


async def send_links(work: Work, due: Due) -> None:
    """Mail the links of every live registration of an address, if any, at most every 10 minutes."""
    key = same_address(due.data["email"])
    statement = (
        select(registration.c.event_id, registration.c.id, registration.c.told_again_at, contact)
        .join(contact, contact.c.registration_id == registration.c.id)
        .join(places, places.c.event_id == registration.c.event_id)
        .where(
            contact.c.email_key == key,
            places.c.is_open,
            registration.c.status.not_in(("cancelled", "declined")),
        )
        .order_by(registration.c.id.desc())
        .limit(MOST_LINKS)
    )
    rows = (await work.execute(statement)).all()
    told = [row.told_again_at for row in rows if row.told_again_at is not None]
    if not rows or (told and work.now - max(told) < LINKS_AGAIN_AFTER):
        return
    ids = [row.id for row in rows]
    again = update(registration).where(registration.c.id.in_(ids)).values(told_again_at=work.now)
    await work.execute(again)
    to = Addressee(rows[0].name, rows[0].email, rows[0].language)
    links = [(row.event_id, row.id) for row in rows]
    work.need(Contacts).send_links(work, to, links)
