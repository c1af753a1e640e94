"""The places of an event and its line: taken, given back, and handed on under one lock."""

from typing import Any

from sqlalchemy import Row, bindparam, case, select, update

from services.events.handlers.facts import addressees, count, tell
from services.events.models import places, registration
from services.events.rules.line import moves, next_in_line
from shared.contracts.events import RegistrationConfirmed
from shared.http.problems import NotFound
from shared.store import Work
from shared.store.hot import Hot

AT_ONCE = 200
"""Entries of the line that are looked at in one go."""

_LOCK = Hot(select(places).where(places.c.event_id == bindparam("event")).with_for_update())
_TAKE = (
    update(places)
    .where(places.c.event_id == bindparam("event"))
    .values(
        taken=places.c.taken + bindparam("people"),
        waiting=places.c.waiting + bindparam("joins"),
        last_seq=places.c.last_seq + bindparam("turns"),
    )
)
_LEFT = places.c.taken - bindparam("people")
_GIVE_BACK = (
    update(places)
    .where(places.c.event_id == bindparam("event"))
    .values(
        taken=_LEFT,
        waiting=places.c.waiting - bindparam("leaves"),
        ceiling=case((places.c.capacity < _LEFT, _LEFT), else_=places.c.capacity),
    )
)
_CONFIRM = (
    update(registration)
    .where(registration.c.id == bindparam("registration"))
    .values(status="confirmed", revision=bindparam("as_revision"))
)

Locked = Row[Any]
"""The row of an event's places, locked for this unit of work."""


async def lock_places(work: Work, event_id: str) -> Locked:
    """Lock an event's places: the first statement of whatever changes them.

    Raises NotFound where there is no such event.
    """
    row: Locked | None = await _LOCK.first(work, {"event": event_id})
    if row is None:
        raise NotFound("There is no such event.")
    return row


async def take(work: Work, event_id: str, *, people: int = 0, joins: int = 0) -> None:
    """Take places, or places in line; the database refuses what exceeds the ceiling."""
    values = {"event": event_id, "people": people, "joins": joins, "turns": 1}
    await work.execute(_TAKE, values)


async def give_back(work: Work, event_id: str, *, people: int = 0, leaves: int = 0) -> None:
    """Give places back, or places in line, and hand on what has fallen free."""
    await work.execute(_GIVE_BACK, {"event": event_id, "people": people, "leaves": leaves})
    await hand_on(work, event_id)


async def hand_on(work: Work, event_id: str) -> int:
    """Give free places to those first in line, in order; return how many registrations got one.

    Runs under the lock of the places, in the transaction in which they fell free.
    """
    locked = await lock_places(work, event_id)
    given = 0
    while locked.waiting and locked.capacity > locked.taken and moves(locked, work.now):
        chosen = next_in_line(locked.capacity - locked.taken, await _waiting(work, locked))
        if not chosen:
            break
        await _confirm(work, locked, chosen)
        given += len(chosen)
        locked = await lock_places(work, event_id)
    return given


async def _waiting(work: Work, locked: Locked) -> list[Row[Any]]:
    """Return the first in line; who can never fit keeps the place in line and is passed over."""
    statement = (
        select(registration)
        .where(
            registration.c.event_id == locked.event_id,
            registration.c.status == "waitlisted",
            registration.c.people <= locked.capacity,
        )
        .order_by(registration.c.seq)
        .limit(min(AT_ONCE, locked.capacity - locked.taken))
        .with_for_update()
    )
    return list((await work.execute(statement)).all())


async def _confirm(work: Work, locked: Locked, chosen: list[Row[Any]]) -> None:
    await work.execute(
        _CONFIRM, [{"registration": each.id, "as_revision": each.revision + 1} for each in chosen]
    )
    values = {
        "event": locked.event_id,
        "people": sum(each.people for each in chosen),
        "joins": -len(chosen),
        "turns": 0,
    }
    await work.execute(_TAKE, values)
    to = await addressees(work, [each.id for each in chosen])
    for each in chosen:
        tell(
            work,
            RegistrationConfirmed,
            Now(each, each.revision + 1),
            locked.year,
            to.get(each.id),
            online_url=locked.online_url,
            promoted=True,
        )
        count(work, "confirmed")


class Now:
    """A registration's row at its new revision."""

    def __init__(self, row: Any, revision: int) -> None:
        self.id: str = row.id
        self.event_id: str = row.event_id
        self.people: int = row.people
        self.is_group: bool = row.is_group
        self.group_organisation_id: str | None = row.group_organisation_id
        self.sector: str | None = row.sector
        self.revision = revision
