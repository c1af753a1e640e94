"""Erasing whom to tell about bookings: every contact of an address, and for ever after."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlmodel import col

from services.booking.handlers.places import Caller, Place, lock_booking
from services.booking.models import Booking, Contact
from shared.contracts.booking import (
    BookingContactErased,
    BookingContactErasureRequested,
    BookingContactGiven,
)
from shared.messaging.traces import forget_answers, forget_messages
from shared.security.erasure import BOOKING, ErasureKey
from shared.store import Work
from shared.store.erased import is_erased, meant_by, new_among
from shared.store.scrub import scrub_soon


@dataclass(frozen=True)
class EraseContact:
    """Nothing may tell any more who the contact of a booking is."""

    booking_id: str
    caller: Caller


async def erase_contact(work: Work, command: EraseContact) -> tuple[Booking, Place]:
    """Remove the contact of a booking and of all others of its address that the caller reaches.

    The bookings stand, and nobody is written to. Everybody else is asked to erase the same; again
    changes nothing. Raises NothingHere.
    """
    booking, places = await lock_booking(work, command.booking_id, command.caller)
    ids = await _of_same_address(work, booking.id, command.caller.bound_to)
    erased = await _erase(work, ids)
    for erasure_id in sorted(erased):
        work.publish(BookingContactErasureRequested(erasure_id=erasure_id))
    _tell(work, erased)
    return booking, places[booking.room_id]


@dataclass(frozen=True)
class KeepErased:
    """An erasure was asked for, perhaps after this store was put aside and before it came back."""

    erasure_id: str


async def keep_erased(work: Work, command: KeepErased) -> None:
    """Erase the contact that a restored store knows again; any other erasure needs nothing."""
    if await is_erased(work, command.erasure_id):
        return

    async def told() -> Iterable[str]:
        return (await work.scalars(select(col(Contact.booking_id)))).all()

    booking_id = await meant_by(work, BOOKING, command.erasure_id, told)
    if booking_id is None:
        await new_among(work, [command.erasure_id])
        return
    _tell(work, await _erase(work, [booking_id]))


def _tell(work: Work, erased: dict[str, dict[str, int]]) -> None:
    for erasure_id, removed in sorted(erased.items()):
        work.publish(BookingContactErased(erasure_id=erasure_id, removed=removed))


async def _of_same_address(work: Work, booking_id: str, organisation_id: str | None) -> list[str]:
    """Return the booking and all others of its contact's address, within an organisation."""
    theirs = select(col(Contact.booking_id), col(Contact.email))
    if organisation_id is not None:
        within = select(col(Booking.id)).where(col(Booking.organisation_id) == organisation_id)
        theirs = theirs.where(col(Contact.booking_id).in_(within))
    known = {each: _same(email) for each, email in (await work.execute(theirs)).all()}
    mine = known.get(booking_id)
    return sorted({booking_id} | {each for each, email in known.items() if email == mine})


def _same(email: str) -> str:
    """Return an address in the form in which two spellings of it compare equal."""
    return unicodedata.normalize("NFKC", email).casefold()


async def _erase(work: Work, ids: list[str]) -> dict[str, dict[str, int]]:
    """Remove contacts; return what was removed, by each erasure that is new to this store."""
    key = work.need(ErasureKey)
    removed = {key.of(BOOKING, each): await _forget(work, each) for each in ids}
    new = await new_among(work, removed)
    await scrub_soon(work)
    return {erasure_id: removed[erasure_id] for erasure_id in new}


async def _forget(work: Work, booking_id: str) -> dict[str, int]:
    mine = delete(Contact).where(col(Contact.booking_id) == booking_id)
    counts = {
        "contacts": await work.affect(mine),
        "answers": await forget_answers(work, [f"/v1/bookings/{booking_id}"]),
        "messages": await forget_messages(work, BookingContactGiven.topic, [booking_id]),
    }
    return {name: count for name, count in counts.items() if count}
