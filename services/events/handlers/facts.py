"""Says what happened to a registration: the contact first where a letter follows, then the fact."""

from typing import Any, Protocol, TypeVar

from sqlalchemy import select

from services.events.contacts import Addressee, Contacts
from services.events.models import contact
from shared.contracts.events.registration import RegistrationFact
from shared.contracts.words import Sector
from shared.observability.metrics import Metrics
from shared.store import Work

F = TypeVar("F", bound=RegistrationFact)


class Known(Protocol):
    """A registration as its row tells it; nothing here says who it is."""

    id: str
    event_id: str
    people: int
    is_group: bool
    group_organisation_id: str | None
    sector: str | None
    revision: int


def said(kind: type[F], about: Known, year: int, to: Addressee | None, **more: Any) -> F:
    """Return the fact of this kind about a registration."""
    return kind(
        event_id=about.event_id,
        registration_id=about.id,
        year=year,
        people=about.people,
        group=about.is_group,
        group_organisation_id=about.group_organisation_id,
        sector=None if about.sector is None else Sector(about.sector),
        language=None if to is None else to.language,
        contact_given=to is not None,
        **more,
    )


def tell(
    work: Work,
    kind: type[F],
    about: Known,
    year: int,
    to: Addressee | None = None,
    *,
    online_url: str | None = None,
    **more: Any,
) -> None:
    """Publish a fact about a registration; with `to`, after the sealed contact of its letter."""
    if to is not None:
        work.need(Contacts).give(work, about.id, to, about.event_id, online_url=online_url)
    work.publish(said(kind, about, year, to, **more), sequence=about.revision)


def count(work: Work, status: str) -> None:
    """Count a registration that became `status`, once that is committed."""
    child = work.need(Metrics).registrations.labels(status)
    work.after_commit(child.inc)


async def addressees(work: Work, registration_ids: list[str]) -> dict[str, Addressee]:
    """Return whom letters go to, by registration; who has no address is missing."""
    statement = select(contact).where(
        contact.c.registration_id.in_(registration_ids), contact.c.email.is_not(None)
    )
    return {
        row.registration_id: Addressee(row.name, row.email, row.language)
        for row in (await work.execute(statement)).all()
    }


async def addressee(work: Work, registration_id: str) -> Addressee | None:
    """Return whom letters about a registration go to, or None."""
    return (await addressees(work, [registration_id])).get(registration_id)
