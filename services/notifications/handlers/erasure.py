"""Erasing a person: contact, letters, deliveries and mails, once asked for and for ever after."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, delete, or_, select
from sqlmodel import col

from services.notifications.handlers.contacts import wipe_contact
from services.notifications.handlers.deliveries import Postman, erase_mail_soon, withdraw
from services.notifications.models import Contact, Delivery, Suppression
from services.notifications.rules import AddressUnfit
from services.notifications.writing.safe import Marks
from shared.contracts.booking import BookingContactGiven
from shared.contracts.events import EventContact, EventContactGiven, ManageLink
from shared.contracts.message import Message, decode
from shared.contracts.notifications import RecipientErased
from shared.messaging.traces import forget_messages
from shared.security.erasure import REGISTRATION, ErasureKey, Kind
from shared.security.sealing import CannotOpen, Opener
from shared.store import Work
from shared.store.erased import is_erased, meant_by, new_among
from shared.store.plumbing import dead_letter, waiting
from shared.store.scheduler import Due
from shared.store.scrub import scrub_soon

LOOK_AGAIN = timedelta(minutes=1)
"""By then, whatever was being written or sent while a person was erased has come to rest."""

_GIVEN: dict[Kind, type[Message]] = {
    "registration": EventContactGiven,
    "booking": BookingContactGiven,
}


@dataclass(frozen=True)
class EraseRecipient:
    """Nobody is to be told anything about a registration, or a booking, any more."""

    kind: Kind
    erasure_id: str


async def erase_recipient(work: Work, command: EraseRecipient) -> None:
    """Erase the person and say so; what this store has erased needs nothing."""
    if not await new_among(work, [command.erasure_id]):
        return
    removed = await _erase(work, command)
    work.publish(RecipientErased(erasure_id=command.erasure_id, removed=removed))
    key = f"{command.kind}/{command.erasure_id}"
    await work.later("erase-again", key, work.now + LOOK_AGAIN)


async def erase_again(work: Work, due: Due) -> None:
    """Erase what was written by whoever had begun before the erasure was known."""
    kind, _, erasure_id = due.key.partition("/")
    await _erase(work, EraseRecipient("booking" if kind == "booking" else REGISTRATION, erasure_id))


async def not_erased(work: Work, links: Sequence[ManageLink]) -> list[ManageLink]:
    """Return the links of those registrations that nobody has erased."""
    key = work.need(ErasureKey)
    return [
        each
        for each in links
        if not await is_erased(work, key.of(REGISTRATION, each.registration_id))
    ]


async def _erase(work: Work, command: EraseRecipient) -> dict[str, int]:
    """Remove what is here of a person; return how many rows that were, by what they were."""
    id_ = await _known_as(work, command)
    if id_ is None:
        return {}
    contact = await work.get(Contact, id_, with_for_update=True)
    is_here = contact is not None and contact.email is not None
    marks = await _marks(work, id_, contact)
    counts = await _erase_deliveries(work, id_, marks)
    counts["contacts"] = int(is_here)
    if is_here:
        await wipe_contact(work, id_)
    unwanted = delete(Suppression).where(col(Suppression.mark).in_(marks))
    counts["suppressions"] = await work.affect(unwanted)
    counts["messages"] = await forget_messages(work, _GIVEN[command.kind].topic, [id_])
    counts["messages"] += await _forget_sealed(work, id_, marks)
    await scrub_soon(work)
    return {name: count for name, count in counts.items() if count}


async def _known_as(work: Work, command: EraseRecipient) -> str | None:
    """Return the registration or booking of an erasure, if anything here is about it."""

    async def ids() -> set[str]:
        found = set[str]()
        for column in (col(Contact.id), col(Delivery.about)):
            known = await work.scalars(select(column).where(column.is_not(None)).distinct())
            found.update(each for each in known if each)
        for table in (waiting, dead_letter):
            mine = select(table.c.key).where(table.c.topic == _GIVEN[command.kind].topic)
            found.update(
                (each or b"").decode("utf-8", "replace") for each in await work.scalars(mine)
            )
        return found

    return await meant_by(work, command.kind, command.erasure_id, ids)


async def _marks(work: Work, id_: str, contact: Contact | None) -> set[str]:
    """Return what stands for the person's address here."""
    about = col(Delivery.about) == id_
    found = await work.scalars(select(col(Delivery.address_mark)).where(about).distinct())
    marks = {each for each in found if each}
    if contact is not None and contact.email is not None:
        with suppress(AddressUnfit):
            marks.add(work.need(Marks).mark(contact.email))
    return marks


async def _erase_deliveries(work: Work, id_: str, marks: set[str]) -> dict[str, int]:
    """Give up letters that wait, and leave of all deliveries only what tells of nobody."""
    about = col(Delivery.about)
    mine = or_(about == id_, and_(about.is_(None), col(Delivery.address_mark).in_(marks)))
    deliveries = (await work.scalars(select(Delivery).where(mine).with_for_update())).all()
    letters = [each for each in deliveries if each.status == "queued"]
    for delivery in letters:
        await withdraw(work, delivery)
    keeps_mail = work.need(Postman).post.keeps_mail
    for delivery in deliveries:
        delivery.recipient_hash = f"erased-{delivery.id}"
        delivery.address_mark = delivery.about = None
        if keeps_mail:
            await erase_mail_soon(work, delivery.id)
    await work.flush()
    return {"letters": len(letters), "deliveries": len(deliveries)}


async def _forget_sealed(work: Work, id_: str, marks: set[str]) -> int:
    """Delete what waits or is parked under an id of its own, and is for the person all the same."""
    count = 0
    for table in (waiting, dead_letter):
        own = table.c.seq if table is waiting else table.c.id
        rows = select(own, table.c.body).where(table.c.topic == EventContactGiven.topic)
        for row in (await work.execute(rows)).all():
            if _is_for(work, row.body, id_, marks):
                await work.execute(delete(table).where(own == row[0]))
                count += 1
    return count


def _is_for(work: Work, body: bytes | None, id_: str, marks: set[str]) -> bool:
    try:
        message = decode(EventContactGiven.type, body)
        assert isinstance(message, EventContactGiven)
        inside = EventContact.model_validate_json(work.need(Opener).open(message.sealed))
        mark = work.need(Marks).mark(inside.email)
    except (CannotOpen, ValueError, AddressUnfit):
        return False
    return mark in marks or any(each.registration_id == id_ for each in inside.links)
