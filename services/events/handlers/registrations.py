"""Registering with a key: a place, a place in line or an application, at once."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update

from services.events.contacts import Addressee
from services.events.handlers.entering import enter
from services.events.handlers.facts import addressee, count, tell
from services.events.handlers.line import Locked, Now, hand_on, lock_places, take
from services.events.models import need, registration
from services.events.persons import Persons, same_address
from services.events.rules.places import Gets, RegistrationClosed, refuse_outside, what_it_gets
from shared.contracts.events import (
    RegistrationApplied,
    RegistrationConfirmed,
    RegistrationWaitlisted,
)
from shared.http.problems import NotFound, WrongState
from shared.ids import new_id
from shared.security.keyring import YearKeyDestroyed
from shared.store import Work

_OF_PERSON = select(registration).where(
    registration.c.event_id == bindparam("event"),
    registration.c.person == bindparam("person"),
    registration.c.status.not_in(("cancelled", "declined")),
)
_SETTLE = (
    update(registration)
    .where(registration.c.id == bindparam("registration"))
    .values(
        status=bindparam("as_status"), seq=bindparam("as_seq"), revision=bindparam("as_revision")
    )
)


@dataclass(frozen=True)
class Register:
    """Somebody, or a group counted by heads, takes part in an event."""

    event_id: str
    name: str = field(repr=False)
    language: str
    sector: str | None = None
    email: str | None = field(default=None, repr=False)
    people: int = 1
    is_group: bool = False
    organisation_id: str | None = None
    needs: tuple[tuple[str, str | None], ...] = field(default=(), repr=False)
    id: str = field(default_factory=new_id)

    @property
    def to(self) -> Addressee | None:
        """Whom letters go to."""
        return None if self.email is None else Addressee(self.name, self.email, self.language)


@dataclass(frozen=True)
class Registered:
    """What became of it; `position` is the place in line, 1 = next."""

    id: str
    status: str
    position: int | None = None
    revision: int = 1


async def register(work: Work, command: Register) -> Registered:
    """Take a place, or a place in line, or apply; the same person twice is one entry.

    Raises NotFound, RegistrationClosed, EventFull or GroupTooLarge.
    """
    await work.take_turn(command.event_id)
    locked = await lock_places(work, command.event_id)
    refuse_outside(locked, work.now)
    gets = what_it_gets(locked, command.people)
    row = row_of(work, command, locked, status=gets, seq=locked.last_seq + 1)
    adds = command.people if gets == "confirmed" else 0
    joins = 1 if gets == "waitlisted" else 0
    if not await enter(work, row, who(command), adds=adds, joins=joins):
        earlier = (
            await work.execute(_OF_PERSON, {"event": command.event_id, "person": row["person"]})
        ).one()
        if earlier.status == "pending":
            return await settle(work, locked, earlier)
        return Registered(
            earlier.id, earlier.status, await position(work, earlier), earlier.revision
        )
    await note_needs(work, command)
    return await _tell(work, locked, _Entered(row), gets, command.to)


def who(command: Register) -> dict[str, Any]:
    """Return whom a registration is, as the one table that knows it."""
    return {
        "name": command.name,
        "email": command.email,
        "email_key": None if command.email is None else same_address(command.email),
        "language": command.language,
    }


async def note_needs(work: Work, command: Register) -> None:
    """Keep what somebody needs to take part."""
    if command.needs:
        rows = [
            {"id": new_id(), "registration_id": command.id, "kind": kind, "detail": detail}
            for kind, detail in command.needs
        ]
        await work.execute(insert(need), rows)


def row_of(
    work: Work,
    command: Register,
    locked: Locked,
    *,
    status: str,
    seq: int,
    confirm_by: datetime | None = None,
) -> dict[str, Any]:
    """Return the row of a new registration."""
    person = None
    if command.email is not None and not command.is_group:
        try:
            person = work.need(Persons).hash(locked.year, command.name, command.email)
        except YearKeyDestroyed:
            raise RegistrationClosed("the year is closed") from None
    return {
        "id": command.id,
        "event_id": command.event_id,
        "status": status,
        "seq": seq,
        "people": command.people,
        "is_group": command.is_group,
        "group_organisation_id": command.organisation_id,
        "sector": command.sector,
        "person": person,
        "confirm_by": confirm_by,
        "told_again_at": None,
        "created_at": work.now,
        "revision": 1,
    }


class _Entered:
    """A registration that was just added, by its row."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.__dict__.update(row)


@dataclass(frozen=True)
class Confirm:
    """The link in the mail was clicked: what was asked for takes effect."""

    registration_id: str


async def confirm(work: Work, command: Confirm) -> Registered:
    """Take the place, or the place in line, of a pending registration; again changes nothing.

    Raises NotFound, EventFull, RegistrationClosed, or WrongState where it no longer stands.
    """
    locked, row = await lock_registration(work, command.registration_id)
    if row.status in ("cancelled", "declined"):
        raise WrongState("This registration has ended.", state=row.status)
    if row.status != "pending":
        return Registered(row.id, row.status, await position(work, row), row.revision)
    if not locked.is_open or work.now >= locked.starts_at or work.now >= row.confirm_by:
        raise RegistrationClosed("the link is no longer good")
    return await settle(work, locked, row)


async def settle(work: Work, locked: Locked, row: Row[Any]) -> Registered:
    """Give a pending registration what it gets now."""
    gets = what_it_gets(locked, row.people)
    turn = {"as_status": gets, "as_seq": locked.last_seq + 1, "as_revision": row.revision + 1}
    await work.execute(_SETTLE, {"registration": row.id, **turn})
    await work.drop("expire-registration", row.id)
    people = row.people if gets == "confirmed" else 0
    await take(work, row.event_id, people=people, joins=1 if gets == "waitlisted" else 0)
    to = await addressee(work, row.id)
    return await _tell(work, locked, Now(row, row.revision + 1), gets, to)


async def _tell(
    work: Work, locked: Locked, about: Any, gets: Gets, to: Addressee | None
) -> Registered:
    """Tell what a registration got, which is counted already; then the line moves if it can."""
    done = Registered(about.id, gets, revision=about.revision)
    count(work, gets)
    if gets == "confirmed":
        tell(work, RegistrationConfirmed, about, locked.year, to, online_url=locked.online_url)
        return done
    if gets == "applied":
        tell(work, RegistrationApplied, about, locked.year, to)
        return done
    place = locked.waiting + 1
    tell(work, RegistrationWaitlisted, about, locked.year, to, position=place)
    if locked.taken < locked.capacity and await hand_on(work, about.event_id):
        now = await find(work, about.id)
        return Registered(about.id, now.status, await position(work, now), now.revision)
    return replace(done, position=place)


async def find(work: Work, registration_id: str) -> Row[Any]:
    """Return a registration's row as it is; raise NotFound."""
    statement = select(registration).where(registration.c.id == registration_id)
    row = (await work.execute(statement)).first()
    if row is None:
        raise NotFound("There is no such registration.")
    return row


async def lock_registration(work: Work, registration_id: str) -> tuple[Locked, Row[Any]]:
    """Lock the places of a registration's event; return them and the registration as it is."""
    event_id = (await find(work, registration_id)).event_id
    locked = await lock_places(work, event_id)
    return locked, await find(work, registration_id)


async def position(work: Work, row: Row[Any]) -> int | None:
    """Return a registration's place in line, 1 = next; None for one that does not wait."""
    if row.status != "waitlisted":
        return None
    before = select(func.count()).where(
        registration.c.event_id == row.event_id,
        registration.c.status == "waitlisted",
        registration.c.seq < row.seq,
    )
    return int((await work.scalar(before)) or 0) + 1
