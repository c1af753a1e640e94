"""Deciding on applications: who applied is selected or declined, and told."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlmodel import col

from services.events.handlers.facts import addressee, count, tell
from services.events.handlers.line import Now, take
from services.events.handlers.registrations import Registered, lock_registration
from services.events.models import Event, registration
from services.events.rules.places import EventFull
from services.events.rules.programme import local_date
from shared.contracts.events import RegistrationConfirmed, RegistrationDeclined, SelectionMade
from shared.http.problems import WrongState
from shared.store import Work


@dataclass(frozen=True)
class Select:
    """An application is selected, or not."""

    registration_id: str
    selected: bool


async def select_applicant(work: Work, command: Select) -> Registered:
    """Give an applicant a place, or decline; who was declined can still be selected.

    Raises NotFound, WrongState, or EventFull where all places are given.
    """
    locked, row = await lock_registration(work, command.registration_id)
    may = ("applied", "declined") if command.selected else ("applied",)
    if locked.admission != "application" or row.status not in may or not locked.is_open:
        raise WrongState("There is no application to decide on.", state=row.status)
    if command.selected and locked.taken + row.people > locked.capacity:
        raise EventFull("all places are given")
    status = "confirmed" if command.selected else "declined"
    about = Now(row, row.revision + 1)
    await work.execute(
        update(registration)
        .where(registration.c.id == row.id)
        .values(status=status, revision=about.revision)
    )
    decided_in = local_date(work.now, await _zone(work, row.event_id)).year
    tell(work, SelectionMade, about, decided_in, selected=command.selected)
    to = await addressee(work, row.id)
    if command.selected:
        await take(work, row.event_id, people=row.people)
        tell(
            work,
            RegistrationConfirmed,
            about,
            locked.year,
            to,
            online_url=locked.online_url,
            selected=True,
        )
    else:
        tell(work, RegistrationDeclined, about, locked.year, to, reason="not-selected")
    count(work, status)
    return Registered(row.id, status, revision=about.revision)


async def _zone(work: Work, event_id: str) -> str:
    zone = select(col(Event.time_zone)).where(col(Event.id) == event_id)
    return str(await work.scalar(zone))
