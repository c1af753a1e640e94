"""Erasing a person: every registration of an address, once asked for and for ever after."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, update

from services.events.handlers.cancellations import LIVE, end, forget
from services.events.handlers.line import Locked, lock_places
from services.events.handlers.registrations import Registered, find
from services.events.models import contact, registration
from services.events.persons import same_address
from shared.contracts.events import (
    EventContactGiven,
    RegistrationErased,
    RegistrationErasureRequested,
)
from shared.ids import random_id
from shared.messaging.traces import forget_answers, forget_messages
from shared.observability.correlation import untraced
from shared.security.erasure import REGISTRATION, ErasureKey
from shared.store import Work
from shared.store.erased import is_erased, meant_by, new_among
from shared.store.plumbing import due
from shared.store.scrub import scrub_soon

_UNNAME = (
    update(registration)
    .where(registration.c.id == bindparam("registration"))
    .values(person=bindparam("as_person"))
)


@dataclass(frozen=True)
class ErasePerson:
    """Nothing may tell any more who a registration is, nor the others of the same address."""

    registration_id: str


async def erase_person(work: Work, command: ErasePerson) -> Registered:
    """Remove a person from all events, and ask everybody else to; again changes nothing.

    What is live is cancelled and moves on, what was counted stays counted, no letter is written.
    Raises NotFound.
    """
    await find(work, command.registration_id)
    erased = await _erase(work, command.registration_id, ends_group=command.registration_id)
    key = work.need(ErasureKey)
    for registration_id in sorted(erased):
        erasure_id = key.of(REGISTRATION, registration_id)
        work.publish(RegistrationErasureRequested(erasure_id=erasure_id))
    _tell(work, erased)
    row = await find(work, command.registration_id)
    return Registered(row.id, row.status, revision=row.revision)


@dataclass(frozen=True)
class KeepErased:
    """An erasure was asked for, perhaps after this store was put aside and before it came back."""

    erasure_id: str


async def keep_erased(work: Work, command: KeepErased) -> None:
    """Erase whom a restored store knows again; what this store has erased needs nothing."""
    if await is_erased(work, command.erasure_id):
        return

    async def named() -> Iterable[str]:
        return (await work.scalars(select(contact.c.registration_id))).all()

    registration_id = await meant_by(work, REGISTRATION, command.erasure_id, named)
    if registration_id is None:
        await new_among(work, [command.erasure_id])
        return
    _tell(work, await _erase(work, registration_id, ends_group=None))


def _tell(work: Work, erased: dict[str, dict[str, int]]) -> None:
    key = work.need(ErasureKey)
    for registration_id, removed in sorted(erased.items()):
        work.publish(
            RegistrationErased(erasure_id=key.of(REGISTRATION, registration_id), removed=removed)
        )


async def _erase(
    work: Work, registration_id: str, *, ends_group: str | None
) -> dict[str, dict[str, int]]:
    """Remove a person; return what was removed, by each registration not erased before.

    The places of a group are other people's: it ends only as `ends_group`.
    """
    email_key, ids = await _of_same_address(work, registration_id)
    locked = await _lock(work, ids)
    key = work.need(ErasureKey)
    new = await new_among(work, [key.of(REGISTRATION, each) for each in ids])
    removed = {each: await _forget(work, each) for each in ids}
    if email_key is not None:
        await _forget_asked(work, email_key)
    fresh = {each: removed[each] for each in ids if key.of(REGISTRATION, each) in new}
    await _unname(work, fresh)
    work.cause = None  # what ends by one cause, or in one trace, is seen to be one person's
    with untraced():
        for each in ids:
            row = await find(work, each)
            places = locked[row.event_id]
            is_mine = not row.is_group or row.id == ends_group
            if is_mine and row.status in LIVE and places.is_open:
                await end(work, row, places.year, None, "erased")
    await scrub_soon(work)
    return fresh


async def _of_same_address(work: Work, registration_id: str) -> tuple[str | None, list[str]]:
    """Return the address in its comparable form, and all registrations of it, in order.

    A group stands for itself: its organisation may have named anybody as its contact.
    """
    mine = (
        select(contact.c.email_key)
        .join(registration, registration.c.id == contact.c.registration_id)
        .where(registration.c.id == registration_id, registration.c.is_group.is_(False))
    )
    email_key = await work.scalar(mine)
    if email_key is None:
        return None, [registration_id]
    theirs = select(contact.c.registration_id).where(contact.c.email_key == email_key)
    return email_key, sorted((await work.scalars(theirs)).all())


async def _lock(work: Work, ids: list[str]) -> dict[str, Locked]:
    """Lock the places of the registrations' events, always in the order of their ids."""
    of_them = select(registration.c.event_id).where(registration.c.id.in_(ids)).distinct()
    events = sorted((await work.scalars(of_them)).all())
    return {event_id: await lock_places(work, event_id) for event_id in events}


async def _forget(work: Work, registration_id: str) -> dict[str, int]:
    counts = await forget(work, registration_id)
    counts["answers"] = await forget_answers(work, [f"/v1/registrations/{registration_id}"])
    counts["messages"] = await forget_messages(work, EventContactGiven.topic, [registration_id])
    return {name: count for name, count in counts.items() if count}


async def _forget_asked(work: Work, email_key: str) -> None:
    """Drop what somebody of this address has asked for and was not done yet."""
    asked = select(due).where(due.c.kind.in_(("take-in", "send-links")))
    for row in (await work.execute(asked)).all():
        if same_address(_address(row.kind, row.data)) == email_key:
            await work.execute(delete(due).where(due.c.kind == row.kind, due.c.key == row.key))


def _address(kind: str, noted: str) -> str:
    data = json.loads(noted)
    return str((data["command"] if kind == "take-in" else data)["email"] or "")


async def _unname(work: Work, ids: Collection[str]) -> None:
    """Give a counted person a name of chance: one person still, and nobody can tell which."""
    counted = select(registration.c.id, registration.c.person).where(
        registration.c.id.in_(ids), registration.c.person.is_not(None)
    )
    names: dict[str, str] = {}
    changes = [
        {"registration": row.id, "as_person": names.setdefault(row.person, random_id())}
        for row in (await work.execute(counted)).all()
    ]
    if changes:
        await work.execute(_UNNAME, changes)
