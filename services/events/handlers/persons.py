"""Keeps persons countable when an event moves to another year, whose key is another one."""

from sqlalchemy import bindparam, select, update

from services.events.models import contact, registration
from services.events.persons import Persons
from shared.store import Work


async def hash_again(work: Work, event_id: str, year: int) -> None:
    """Hash the persons of an event under the key of `year`; whoever was erased is no person now."""
    statement = (
        select(registration.c.id, contact.c.name, contact.c.email)
        .join(contact, contact.c.registration_id == registration.c.id, isouter=True)
        .where(registration.c.event_id == event_id, registration.c.person.is_not(None))
    )
    persons = work.need(Persons)
    changes = [
        {
            "registration": row.id,
            "as_person": persons.hash(year, row.name, row.email) if row.email else None,
        }
        for row in (await work.execute(statement)).all()
    ]
    if changes:
        change = update(registration).where(registration.c.id == bindparam("registration"))
        await work.execute(change.values(person=bindparam("as_person")), changes)
