"""Contacts: kept while somebody may have to be told something, then forgotten."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlmodel import col

from services.notifications.models import Contact, Delivery, KnownEvent
from services.notifications.rules import CONTACT_KEPT, DELIVERY_KEPT, sweep_at
from shared.store import Work
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
    """Keep a contact unless a later one is known; wiped stays wiped, whatever is said again."""
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
        event = await work.get(KnownEvent, command.event_id)
        if event is not None:
            contact.keep_until = max(contact.keep_until, event.ends_at + CONTACT_KEPT)
    work.add(contact)
    await work.flush()
    await forget_at(work, contact.keep_until)


def _is_later(contact: Contact, than: datetime) -> bool:
    return contact.given_at is not None and contact.given_at > than


async def need_contact_until(work: Work, contact: Contact, ends_at: datetime) -> None:
    """Keep a contact for a week after what it is about has ended."""
    if not contact.is_over and contact.keep_until < ends_at + CONTACT_KEPT:
        contact.keep_until = ends_at + CONTACT_KEPT
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
    """Delete contacts and deliveries that nobody needs any longer."""
    await _keep_for_moved_events(work)
    await work.execute(delete(Contact).where(col(Contact.keep_until) <= work.now))
    old = col(Delivery.created_at) <= work.now - DELIVERY_KEPT
    await work.execute(delete(Delivery).where(old, col(Delivery.letter).is_(None)))


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
