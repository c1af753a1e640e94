"""Ending registrations: cancelled, run out, or ended with their event."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, bindparam, delete, select, update

from services.events.handlers.facts import addressee, addressees, count, tell
from services.events.handlers.line import Now, give_back, lock_places
from services.events.handlers.registrations import Registered, lock_registration
from services.events.models import contact, need, registration
from shared.contracts.events import RegistrationCancelled
from shared.http.problems import WrongState
from shared.store import Work
from shared.store.scheduler import Due

LIVE = ("pending", "applied", "confirmed", "waitlisted", "offered")
HOLDING = ("confirmed", "offered")
AT_ONCE = 200

Reason = Literal["by-participant", "by-staff", "event-cancelled", "not-confirmed", "erased"]

_END = (
    update(registration)
    .where(registration.c.id == bindparam("registration"))
    .values(status="cancelled", person=None, revision=bindparam("as_revision"))
)


@dataclass(frozen=True)
class CancelRegistration:
    """A registration is not wanted any more."""

    registration_id: str
    reason: Literal["by-participant", "by-staff"]


async def cancel_registration(work: Work, command: CancelRegistration) -> Registered:
    """Give back what a registration holds; whoever is next in line gets it at once.

    Again changes nothing. Raises NotFound, or WrongState where the event is over.
    """
    locked, row = await lock_registration(work, command.registration_id)
    if row.status in ("cancelled", "declined"):
        return Registered(row.id, row.status, revision=row.revision)
    if row.status not in LIVE or not locked.is_open:
        raise WrongState("The event is over or cancelled.", state=row.status)
    to = await addressee(work, row.id) if row.status != "pending" else None
    await end(work, row, locked.year, to, command.reason)
    return Registered(row.id, "cancelled", revision=row.revision + 1)


async def expire_registration(work: Work, due: Due) -> None:
    """End a registration whose link was not clicked in time: nobody is written to."""
    locked, row = await lock_registration(work, due.key)
    if row.status != "pending":
        return
    await end(work, row, locked.year, None, "not-confirmed")
    await forget(work, row.id)


async def end_registrations(work: Work, due: Due) -> None:
    """End the registrations of a cancelled event, so many at a time, and tell each."""
    event_id = due.key
    locked = await lock_places(work, event_id)
    statement = (
        select(registration)
        .where(registration.c.event_id == event_id, registration.c.status.in_(LIVE))
        .order_by(registration.c.seq)
        .limit(AT_ONCE)
    )
    rows = (await work.execute(statement)).all()
    to = await addressees(work, [row.id for row in rows if row.status != "pending"])
    for row in rows:
        await end(work, row, locked.year, to.get(row.id), "event-cancelled")
    if len(rows) == AT_ONCE:
        await work.later("end-registrations", event_id, work.now)


async def end(work: Work, row: Row[Any], year: int, to: Any, reason: Reason) -> None:
    """End a registration under the lock of its event; what it held goes to the next in line."""
    revision = row.revision + 1
    await work.execute(_END, {"registration": row.id, "as_revision": revision})
    await work.execute(delete(need).where(need.c.registration_id == row.id))
    if row.status == "pending":
        await work.drop("expire-registration", row.id)
    tell(work, RegistrationCancelled, Now(row, revision), year, to, was=row.status, reason=reason)
    count(work, "cancelled")
    if row.status in HOLDING:
        await give_back(work, row.event_id, people=row.people)
    elif row.status == "waitlisted":
        await give_back(work, row.event_id, leaves=1)


async def forget(work: Work, registration_id: str) -> dict[str, int]:
    """Remove who a registration is and what was needed; return how many rows that were."""
    counts = {}
    for name, table in (("wishes", need), ("contacts", contact)):
        mine = delete(table).where(table.c.registration_id == registration_id)
        counts[name] = await work.affect(mine)
    return counts
