"""Who came: attended or not, heads without a name, and the last word about an event."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, case, delete, func, select, update

from services.events.handlers.facts import count, tell
from services.events.handlers.line import Now, lock_places
from services.events.handlers.registrations import Registered, lock_registration
from services.events.models import Event, HeadCount, head_count, need, places, registration
from shared.contracts.events import (
    AttendanceClosed,
    HeadsCounted,
    PeopleCounted,
    RegistrationAttended,
    RegistrationNoShow,
)
from shared.contracts.words import Sector
from shared.http.problems import NotFound, WrongState
from shared.ids import new_id
from shared.store import Work
from shared.store.scheduler import Due

NEEDS_ARE_KEPT = timedelta(days=30)
CAN_BE_MARKED = ("confirmed", "attended", "no-show")


@dataclass(frozen=True)
class MarkAttendance:
    """Somebody came, or did not; the last word holds."""

    registration_id: str
    attended: bool


async def mark_attendance(work: Work, command: MarkAttendance) -> Registered:
    """Note whether a confirmed registration came; after the closing, this is a correction.

    Raises NotFound, or WrongState for one that had no place.
    """
    locked, row = await lock_registration(work, command.registration_id)
    if row.status not in CAN_BE_MARKED:
        raise WrongState("Only who has a place can attend.", state=row.status)
    status = "attended" if command.attended else "no-show"
    if row.status == status:
        return Registered(row.id, status, revision=row.revision)
    about = Now(row, row.revision + 1)
    await work.execute(
        update(registration)
        .where(registration.c.id == row.id)
        .values(
            status=status,
            attended_at=work.now if command.attended else None,
            revision=about.revision,
        )
    )
    kind = RegistrationAttended if command.attended else RegistrationNoShow
    tell(work, kind, about, locked.year)
    count(work, status)
    if not locked.is_open:
        await count_people(work, locked.year)
    return Registered(row.id, status, revision=about.revision)


@dataclass(frozen=True)
class CountHeads:
    """People were counted without a name; with the id of a count, it replaces that one."""

    event_id: str
    people: int
    sector: str | None = None
    count_id: str | None = None


async def count_heads(work: Work, command: CountHeads) -> HeadCount:
    """Add a count to an event that was published; raise NotFound or WrongState."""
    locked = await lock_places(work, command.event_id)
    event = await work.get_one(Event, command.event_id)
    if event.status != "published":
        raise WrongState("The event does not take place.", state=event.status)
    counted = await _earlier_count(work, command)
    counted.people = command.people
    counted.sector = command.sector
    counted.counted_at = work.now
    work.add(counted)
    work.publish(
        HeadsCounted(
            event_id=command.event_id,
            year=locked.year,
            count_id=counted.id,
            people=command.people,
            sector=None if command.sector is None else Sector(command.sector),
        )
    )
    return counted


async def _earlier_count(work: Work, command: CountHeads) -> HeadCount:
    if command.count_id is None:
        return HeadCount(
            id=new_id(),
            event_id=command.event_id,
            people=command.people,
            sector=command.sector,
            counted_at=work.now,
        )
    found = await work.get(HeadCount, command.count_id)
    if found is None or found.event_id != command.event_id:
        raise NotFound("There is no such count of this event.")
    return found


@dataclass(frozen=True)
class CloseAttendance:
    """Who came is known."""

    event_id: str


async def close_attendance(work: Work, command: CloseAttendance) -> int:
    """Say the last word about an event and return how many came; again changes nothing.

    Where names were taken at the door, whoever was not marked did not come. Raises NotFound, or
    WrongState for an event that has not begun or does not take place.
    """
    locked = await lock_places(work, command.event_id)
    event = await work.get_one(Event, command.event_id, with_for_update=True)
    if event.status != "published" or work.now < event.starts_at:
        raise WrongState("The event has not begun or does not take place.", state=event.status)
    if event.attendance_closed_at is not None:
        return await attended(work, event.id)
    await _mark_the_rest(work, event.id, locked.year)
    came = await attended(work, event.id)
    event.attendance_closed_at = event.changed_at = work.now
    event.revision += 1
    await work.execute(update(places).where(places.c.event_id == event.id).values(is_open=False))
    await work.drop("close-attendance", event.id)
    await work.later("forget-needs", event.id, event.ends_at + NEEDS_ARE_KEPT)
    await count_people(work, locked.year)
    work.publish(AttendanceClosed(event_id=event.id, year=locked.year, attended=came))
    return came


async def close_attendance_in_time(work: Work, due: Due) -> None:
    """Close attendance 72 hours after the end, where nobody did."""
    event = await work.get(Event, due.key)
    if event is not None and event.status == "published":
        await close_attendance(work, CloseAttendance(due.key))


async def forget_needs(work: Work, due: Due) -> None:
    """Forget what people needed, 30 days after the event."""
    of_event = select(registration.c.id).where(registration.c.event_id == due.key)
    await work.execute(delete(need).where(need.c.registration_id.in_(of_event)))


async def attended(work: Work, event_id: str) -> int:
    """Return how many people came to an event, named and counted."""
    named = select(func.coalesce(func.sum(registration.c.people), 0)).where(
        registration.c.event_id == event_id, registration.c.status == "attended"
    )
    heads = select(func.coalesce(func.sum(head_count.c.people), 0)).where(
        head_count.c.event_id == event_id
    )
    return int((await work.scalar(named)) or 0) + int((await work.scalar(heads)) or 0)


async def _mark_the_rest(work: Work, event_id: str, year: int) -> None:
    of_event = registration.c.event_id == event_id
    named = select(registration.c.id).where(of_event, registration.c.status == "attended").limit(1)
    if await work.scalar(named) is None:
        return
    unmarked = select(registration).where(of_event, registration.c.status == "confirmed")
    rows = (await work.execute(unmarked.order_by(registration.c.seq))).all()
    if not rows:
        return
    mark = (
        update(registration)
        .where(registration.c.id == bindparam("registration"))
        .values(status="no-show", revision=bindparam("as_revision"))
    )
    await work.execute(
        mark, [{"registration": row.id, "as_revision": row.revision + 1} for row in rows]
    )
    for row in rows:
        tell(work, RegistrationNoShow, Now(row, row.revision + 1), year)
        count(work, "no-show")


async def count_people(work: Work, year: int) -> None:
    """Publish how many different persons attended an event of the year, by sector first said.

    Whoever is known by no address counts once per registration: two people may share a name.
    """
    who = func.coalesce(registration.c.person, registration.c.id)
    turn = func.row_number().over(
        partition_by=who,
        order_by=(
            case((registration.c.sector.is_(None), 1), else_=0),
            registration.c.id,
        ),
    )
    firsts = (
        select(registration.c.sector, turn.label("turn"))
        .join(places, places.c.event_id == registration.c.event_id)
        .where(
            places.c.year == year,
            registration.c.status == "attended",
            registration.c.is_group.is_(False),
        )
        .subquery()
    )
    rows = (
        await work.execute(
            select(firsts.c.sector, func.count())
            .where(firsts.c.turn == 1)
            .group_by(firsts.c.sector)
        )
    ).all()
    by_sector: dict[Any, int] = {Sector(row[0]): row[1] for row in rows if row[0] is not None}
    persons = sum(row[1] for row in rows)
    work.publish(PeopleCounted(year=year, persons=persons, by_sector=by_sector))
