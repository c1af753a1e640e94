"""Reads registrations for their holders and for staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlmodel import col

from services.events.models import Event, contact, head_count, need, places, registration
from services.events.rules.names import is_meant
from shared.http.paging import Paging, keyset
from shared.http.problems import NotFound
from shared.store import Reader

Needs = dict[str, list[tuple[str, str | None]]]
"""What people need, kind and detail, by registration."""


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
    attended_at: datetime | None
    needs: tuple[tuple[str, str | None], ...] = ()


_SEEN = select(registration, contact.c.name, contact.c.language).join(
    contact, contact.c.registration_id == registration.c.id, isouter=True
)


async def registration_of(reader: Reader, registration_id: str) -> RegistrationSeen:
    """Return one registration with its needs; raise NotFound."""
    found = (await reader.execute(_SEEN.where(registration.c.id == registration_id))).first()
    if found is None:
        raise NotFound("There is no such registration.")
    needs = await _needs(reader, [registration_id])
    return _seen(found, await _positions(reader, [found]), needs)


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
    with_needs: bool = False,
) -> tuple[list[RegistrationSeen], str | None]:
    """Return a page of an event's registrations in the order they came; raise NotFound.

    With `organisation_id`, only the groups of that organisation.
    """
    await _know(reader, event_id)
    statement = select(registration.c.id).where(*_wanted(event_id, status, organisation_id))
    rows, following = await keyset(
        reader, statement, [_Key(registration.c.id)], limit=paging.limit, cursor=paging.cursor
    )
    ids = [row if isinstance(row, str) else row[0] for row in rows]
    whole = _SEEN.where(registration.c.id.in_(ids)).order_by(registration.c.id)
    found = (await reader.execute(whole)).all()
    positions = await _positions(reader, found)
    needs = await _needs(reader, ids) if with_needs else {}
    return [_seen(row, positions, needs) for row in found], following


async def registrations_named(
    reader: Reader,
    event_id: str,
    typed: str,
    *,
    registration_id: str | None = None,
    status: str | None = None,
    organisation_id: str | None = None,
    at_most: int = 20,
) -> list[RegistrationSeen]:
    """Return the registrations of an event whose name is `typed`, by name; raise NotFound.

    With `registration_id` that one, whatever was typed. Names are compared here and not by the
    database: the two of them do not agree on capital letters and accents.
    """
    await _know(reader, event_id)
    statement = select(registration.c.id, contact.c.name).join(
        contact, contact.c.registration_id == registration.c.id
    )
    statement = statement.where(*_wanted(event_id, status, organisation_id))
    if registration_id is not None:
        statement = statement.where(registration.c.id == registration_id)
    named = (await reader.execute(statement.order_by(contact.c.name, registration.c.id))).all()
    ids = [row.id for row in named if registration_id is not None or is_meant(row.name, typed)]
    whole = _SEEN.where(registration.c.id.in_(ids[:at_most]))
    found = (await reader.execute(whole.order_by(contact.c.name, registration.c.id))).all()
    positions = await _positions(reader, found)
    return [_seen(row, positions, {}) for row in found]


@dataclass(frozen=True)
class HeadsSeen:
    """A count of heads."""

    count_id: str
    people: int
    sector: str | None
    counted_at: datetime


@dataclass(frozen=True)
class AttendanceSeen:
    """Who is in so far: in people, named and counted."""

    event_id: str
    attended: int
    registered: dict[str, int]
    """Registrations by their status."""
    heads: list[HeadsSeen]
    closed_at: datetime | None


async def attendance_of(reader: Reader, event_id: str) -> AttendanceSeen:
    """Return who came to an event so far; raise NotFound."""
    closed = select(col(Event.id), col(Event.attendance_closed_at)).where(col(Event.id) == event_id)
    event = (await reader.execute(closed)).first()
    if event is None:
        raise NotFound("There is no such event.")
    rows = (
        await reader.execute(
            select(registration.c.status, func.count(), func.sum(registration.c.people))
            .where(registration.c.event_id == event_id)
            .group_by(registration.c.status)
        )
    ).all()
    statement = select(head_count).where(head_count.c.event_id == event_id)
    counts = (await reader.execute(statement.order_by(head_count.c.id))).all()
    named = sum(int(people) for status, _, people in rows if status == "attended")
    return AttendanceSeen(
        event_id=event_id,
        attended=named + sum(row.people for row in counts),
        registered={status: number for status, number, _ in rows},
        heads=[HeadsSeen(row.id, row.people, row.sector, row.counted_at) for row in counts],
        closed_at=event[1],
    )


def _wanted(
    event_id: str, status: str | None, organisation_id: str | None
) -> list[ColumnElement[bool]]:
    """Return what holds for an event's registrations: of a status, of an organisation's groups."""
    wanted = [registration.c.event_id == event_id]
    if status is not None:
        wanted.append(registration.c.status == status)
    if organisation_id is not None:
        wanted.append(registration.c.group_organisation_id == organisation_id)
    return wanted


async def _know(reader: Reader, event_id: str) -> None:
    if await reader.scalar(select(places.c.year).where(places.c.event_id == event_id)) is None:
        raise NotFound("There is no such event.")


async def _needs(reader: Reader, ids: Sequence[str]) -> Needs:
    statement = select(need).where(need.c.registration_id.in_(ids)).order_by(need.c.id)
    found: Needs = {}
    for row in (await reader.execute(statement)).all():
        found.setdefault(row.registration_id, []).append((row.kind, row.detail))
    return found


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


def _seen(row: Row[Any], positions: dict[str, int], needs: Needs) -> RegistrationSeen:
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
        attended_at=row.attended_at if row.status == "attended" else None,
        needs=tuple(needs.get(row.id, ())),
    )
