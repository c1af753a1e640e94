"""Reads registrations for their holders and for staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from services.events.models import contact, need, places, registration
from shared.http.paging import Paging, keyset
from shared.http.problems import NotFound
from shared.store import Reader


@dataclass(frozen=True)
class RegistrationSeen:
    """A registration as its holder and staff see it; `position` is the place in line, 1 = next."""

    id: str
    event_id: str
    status: str
    revision: int
    people: int
    sector: str | None
    group: bool
    organisation_id: str | None
    registered_at: datetime
    confirm_by: datetime | None
    name: str | None
    language: str | None
    position: int | None
    needs: tuple[tuple[str, str | None], ...] = ()


_SEEN = select(registration, contact.c.name, contact.c.language).join(
    contact, contact.c.registration_id == registration.c.id, isouter=True
)


async def registration_of(reader: Reader, registration_id: str) -> RegistrationSeen:
    """Return one registration with its needs; raise NotFound."""
    found = (await reader.execute(_SEEN.where(registration.c.id == registration_id))).first()
    if found is None:
        raise NotFound("There is no such registration.")
    wanted = select(need.c.kind, need.c.detail).where(need.c.registration_id == registration_id)
    needs = (await reader.execute(wanted.order_by(need.c.id))).all()
    positions = await _positions(reader, [found])
    return _seen(found, positions, tuple((row.kind, row.detail) for row in needs))


async def organisation_of(reader: Reader, registration_id: str) -> str | None:
    """Return the organisation whose group a registration is, None for everybody else's."""
    statement = select(registration.c.group_organisation_id).where(
        registration.c.id == registration_id
    )
    found: str | None = await reader.scalar(statement)
    return found


async def registrations_of(
    reader: Reader,
    event_id: str,
    paging: Paging,
    *,
    status: str | None = None,
    organisation_id: str | None = None,
) -> tuple[list[RegistrationSeen], str | None]:
    """Return a page of an event's registrations in the order they came; raise NotFound.

    With `organisation_id`, only the groups of that organisation.
    """
    if await reader.scalar(select(places.c.year).where(places.c.event_id == event_id)) is None:
        raise NotFound("There is no such event.")
    statement = select(registration.c.id).where(registration.c.event_id == event_id)
    if status is not None:
        statement = statement.where(registration.c.status == status)
    if organisation_id is not None:
        statement = statement.where(registration.c.group_organisation_id == organisation_id)
    rows, following = await keyset(
        reader, statement, [_Key(registration.c.id)], limit=paging.limit, cursor=paging.cursor
    )
    ids = [row if isinstance(row, str) else row[0] for row in rows]
    whole = _SEEN.where(registration.c.id.in_(ids)).order_by(registration.c.id)
    found = (await reader.execute(whole)).all()
    positions = await _positions(reader, found)
    return [_seen(row, positions, ()) for row in found], following


class _Key:
    """A column as the keyset takes it."""

    def __init__(self, column: Any) -> None:
        self.expression = column


async def _positions(reader: Reader, rows: Sequence[Row[Any]]) -> dict[str, int]:
    """Return the places in line of those rows that wait."""
    waiting = [row for row in rows if row.status == "waitlisted"]
    if not waiting:
        return {}
    turn = func.row_number().over(order_by=registration.c.seq).label("turn")
    line = (
        select(registration.c.id, turn)
        .where(
            registration.c.event_id == waiting[0].event_id, registration.c.status == "waitlisted"
        )
        .subquery()
    )
    chosen = select(line).where(line.c.id.in_([row.id for row in waiting]))
    return {row.id: row.turn for row in (await reader.execute(chosen)).all()}


def _seen(
    row: Row[Any], positions: dict[str, int], needs: tuple[tuple[str, str | None], ...]
) -> RegistrationSeen:
    return RegistrationSeen(
        id=row.id,
        event_id=row.event_id,
        status=row.status,
        revision=row.revision,
        people=row.people,
        sector=row.sector,
        group=row.is_group,
        organisation_id=row.group_organisation_id,
        registered_at=row.created_at,
        confirm_by=row.confirm_by if row.status == "pending" else None,
        name=row.name,
        language=row.language,
        position=positions.get(row.id),
        needs=needs,
    )
