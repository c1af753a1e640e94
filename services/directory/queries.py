"""Reads of organisations, with the residency that counts today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlmodel import col

from services.directory.models import Organisation, Residency
from services.directory.rules import OrganisationUnknown, is_resident
from shared.http.paging import Paging, keyset
from shared.store import Reader, Work


@dataclass(frozen=True)
class OrganisationView:
    """An organisation as it is shown, with its residency of a day."""

    id: str
    name: str
    kind: str
    sector: str | None
    unlisted: bool
    dissolved_on: date | None
    resident: bool
    resident_from: date | None
    resident_until: date | None
    revision: int


async def organisation_view(
    reader: Reader | Work, organisation_id: str, today: date, *, listed_only: bool
) -> OrganisationView:
    """Return one organisation; raise OrganisationUnknown, also where it is hidden."""
    found = await reader.get(Organisation, organisation_id)
    if found is None or (listed_only and not found.listed):
        raise OrganisationUnknown("There is no such organisation here.")
    [view] = await _with_residency(reader, [found], today)
    return view


async def organisation_views(
    reader: Reader,
    paging: Paging,
    today: date,
    *,
    listed_only: bool,
    changed_since: datetime | None = None,
) -> tuple[list[OrganisationView], str | None]:
    """Return a page of organisations by name, and the cursor of the next."""
    statement = select(Organisation)
    if listed_only:
        statement = statement.where(col(Organisation.listed))
    if changed_since is not None:
        statement = statement.where(col(Organisation.changed_at) >= changed_since)
    keys = [col(Organisation.name), col(Organisation.id)]
    rows, following = await keyset(
        reader, statement, keys, limit=paging.limit, cursor=paging.cursor
    )
    return await _with_residency(reader, rows, today), following


async def _with_residency(
    reader: Reader | Work, organisations: Sequence[Organisation], today: date
) -> list[OrganisationView]:
    ids = [each.id for each in organisations]
    statement = (
        select(Residency)
        .where(col(Residency.organisation_id).in_(ids))
        .order_by(col(Residency.began_on), col(Residency.id))
    )
    last = {each.organisation_id: each for each in (await reader.scalars(statement)).all()}
    return [_view(each, last.get(each.id), today) for each in organisations]


def _view(organisation: Organisation, residency: Residency | None, today: date) -> OrganisationView:
    return OrganisationView(
        id=organisation.id,
        name=organisation.name,
        kind=organisation.kind,
        sector=organisation.sector,
        unlisted=not organisation.listed,
        dissolved_on=organisation.dissolved_on,
        resident=residency is not None
        and is_resident(residency.began_on, residency.ended_on, today),
        resident_from=residency.began_on if residency else None,
        resident_until=residency.ended_on if residency else None,
        revision=organisation.revision,
    )
