"""Contacts: kept while somebody may have to be told something, then forgotten."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, select
from sqlmodel import col

from services.notifications.handlers.deliveries import Postman, erase_mail_soon
from services.notifications.models import (
    Attendance,
    ClosedAttendance,
    Contact,
    Delivery,
    KnownEvent,
)
from services.notifications.rules import ATTENDANCE_KEPT, CONTACT_KEPT, DELIVERY_KEPT, sweep_at
from shared.security.erasure import BOOKING, REGISTRATION, ErasureKey
from shared.store import Work
from shared.store.erased import is_erased
from shared.store.scheduler import Due


@dataclass(frozen=True)
class KeepContact:
    """Remember who is told about the registration or booking `id`."""

    id: str
    name: str
    email: str
    language: str
    given_at: datetime
    event_id: str | None = None
    manage_token: str | None = None
    online_url: str | None = None
    purpose: str | None = None


async def keep_contact(work: Work, command: KeepContact) -> None:
    """Keep a contact unless a later one is known; wiped and erased ones stay so for ever."""
    key = work.need(ErasureKey)
    if await is_erased(work, *(key.of(kind, command.id) for kind in (REGISTRATION, BOOKING))):
        return
    known = await work.get(Contact, command.id, with_for_update=True)
    if known is not None and (known.email is None or _is_later(known, command.given_at)):
        return
    contact = known or Contact(id=command.id, keep_until=work.now + CONTACT_KEPT)
    contact.name = command.name
    contact.email = command.email
    contact.language = command.language
    contact.given_at = command.given_at
    contact.event_id = command.event_id
    contact.manage_token = command.manage_token
    contact.online_url = command.online_url
    contact.purpose = command.purpose
    if command.event_id is not None and not contact.is_over:
        event = work.hold(await work.get(KnownEvent, command.event_id))
        if event is not None:
            contact.keep_until = max(contact.keep_until, event.ends_at + CONTACT_KEPT)
    work.add(work.hold(contact))  # its letter follows, most often in the same batch
    await work.flush()
    await forget_at(work, contact.keep_until)


def _is_later(contact: Contact, than: datetime) -> bool:
    return contact.given_at is not None and contact.given_at > than


async def need_contact_until(work: Work, contact: Contact, ends_at: datetime) -> None:
    """Keep a contact for a week after what it is about has ended."""
    if not contact.is_over and contact.keep_until < ends_at + CONTACT_KEPT:
        contact.keep_until = ends_at + CONTACT_KEPT
        await forget_at(work, contact.keep_until)


async def need_contact_for(work: Work, contact: Contact, at: datetime) -> None:
    """Keep a contact until a day after a letter that is due then."""
    if contact.keep_until < at + timedelta(days=1):
        contact.keep_until = at + timedelta(days=1)
        await forget_at(work, contact.keep_until)


async def let_contact_go(work: Work, contact: Contact) -> None:
    """Keep a contact for a week more: nothing is to be told any longer."""
    if not contact.is_over:
        contact.is_over = True
        contact.keep_until = work.now + CONTACT_KEPT
        await forget_at(work, contact.keep_until)


async def wipe_contact(work: Work, contact_id: str) -> None:
    """Forget a person now; that there was one is remembered while messages may come again."""
    contact = await work.get(Contact, contact_id, with_for_update=True)
    if contact is None:
        contact = Contact(id=contact_id, keep_until=work.now)
    contact.name = contact.email = contact.manage_token = None
    contact.online_url = contact.purpose = contact.event_id = None
    contact.is_over = True
    contact.keep_until = work.now + CONTACT_KEPT
    work.add(contact)
    await work.flush()
    await forget_at(work, contact.keep_until)


async def forget_at(work: Work, until: datetime) -> None:
    """Have what is kept until then deleted in the night after."""
    at = sweep_at(until)
    await work.later("forget", at.date().isoformat(), at)


async def forget(work: Work, due: Due) -> None:
    """Delete what nobody needs any longer: contacts, deliveries, who came without a survey."""
    await _keep_for_moved_events(work)
    await work.execute(delete(Contact).where(col(Contact.keep_until) <= work.now))
    await _forget_deliveries(work)
    long_ago = work.now - ATTENDANCE_KEPT
    await work.execute(delete(Attendance).where(col(Attendance.heard_at) <= long_ago))
    await work.execute(delete(ClosedAttendance).where(col(ClosedAttendance.heard_at) <= long_ago))


async def _forget_deliveries(work: Work) -> None:
    """Delete what is old, with the mails that lie here: without its delivery none can be found."""
    old = and_(col(Delivery.created_at) <= work.now - DELIVERY_KEPT, col(Delivery.letter).is_(None))
    if work.need(Postman).post.keeps_mail:
        for delivery_id in await work.scalars(select(col(Delivery.id)).where(old)):
            await erase_mail_soon(work, delivery_id)
    await work.execute(delete(Delivery).where(old))


async def _keep_for_moved_events(work: Work) -> None:
    """Keep contacts whose event ends later than was known when they were given."""
    statement = (
        select(Contact, col(KnownEvent.ends_at))
        .join(KnownEvent, col(KnownEvent.event_id) == col(Contact.event_id))
        .where(
            col(Contact.keep_until) <= work.now,
            col(Contact.is_over).is_(False),
            col(KnownEvent.ends_at) > work.now - CONTACT_KEPT,
        )
    )
    for contact, ends_at in (await work.execute(statement)).all():
        await need_contact_until(work, contact, ends_at)
