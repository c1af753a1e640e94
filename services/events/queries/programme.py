"""Reads themes and events as they are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, select
from sqlmodel import col

from services.events.models import Event, Organisation, Places, Theme
from shared.http.paging import Paging, keyset
from shared.http.problems import NotFound
from shared.store import Reader


@dataclass(frozen=True)
class EventSeen:
    """An event with its places, and the names of the organisations that carry it."""

    event: Event
    places: Places
    names: dict[str, str]


@dataclass(frozen=True)
class EventsSought:
    """Which events a list shows; without `drafts`, only those that are public."""

    from_: datetime | None = None
    to: datetime | None = None
    theme: str | None = None
    format: str | None = None
    language: str | None = None
    status: str | None = None
    changed_since: datetime | None = None
    drafts: bool = False


async def events(
    reader: Reader, sought: EventsSought, paging: Paging
) -> tuple[list[EventSeen], str | None]:
    """Return a page of events by their begin and its cursor.

    With `changed_since` by their change, those that were cancelled among them: a copy must know.
    """
    statement = select(Event)
    if not sought.drafts and sought.changed_since is not None:
        statement = statement.where(col(Event.was_published))
    elif not sought.drafts:
        statement = statement.where(col(Event.status) == "published")
    elif sought.status is not None:
        statement = statement.where(col(Event.status) == sought.status)
    if sought.from_ is not None:
        statement = statement.where(col(Event.ends_at) > sought.from_)
    if sought.to is not None:
        statement = statement.where(col(Event.starts_at) < sought.to)
    if sought.theme is not None:
        statement = statement.where(col(Event.theme_id) == sought.theme)
    if sought.format is not None:
        statement = statement.where(col(Event.format) == sought.format)
    if sought.language is not None:
        spoken = cast(col(Event.languages), String)
        statement = statement.where(spoken.contains(f'"{sought.language}"', autoescape=True))
    keys: Sequence[Any] = [col(Event.starts_at), col(Event.id)]
    if sought.changed_since is not None:
        statement = statement.where(col(Event.changed_at) >= sought.changed_since)
        keys = [col(Event.changed_at), col(Event.id)]
    rows, following = await keyset(
        reader, statement, keys, limit=paging.limit, cursor=paging.cursor
    )
    return await _seen(reader, rows), following


async def event(reader: Reader, event_id: str, *, drafts: bool = False) -> EventSeen:
    """Return one event; raise NotFound, also for one that was never public."""
    found = await reader.get(Event, event_id)
    if found is None or not (drafts or found.was_published):
        raise NotFound("There is no such event.")
    return (await _seen(reader, [found]))[0]


async def _seen(reader: Reader, found: Sequence[Event]) -> list[EventSeen]:
    ids = [each.id for each in found]
    statement = select(Places).where(col(Places.event_id).in_(ids))
    fresh = statement.execution_options(populate_existing=True)
    counts = {row.event_id: row for row in (await reader.scalars(fresh)).all()}
    partners = {partner["organisation_id"] for each in found for partner in each.partners}
    named = select(Organisation).where(
        col(Organisation.id).in_(partners), col(Organisation.is_listed)
    )
    known = (await reader.scalars(named)).all() if partners else []
    names = {each.id: each.name for each in known if each.name}
    return [EventSeen(each, counts[each.id], names) for each in found]


async def themes(
    reader: Reader, year: int | None, paging: Paging
) -> tuple[list[Theme], str | None]:
    """Return a page of themes, those of `year` or all."""
    statement = select(Theme)
    if year is not None:
        statement = statement.where(col(Theme.year) == year)
    keys = [col(Theme.year), col(Theme.key), col(Theme.id)]
    return await keyset(reader, statement, keys, limit=paging.limit, cursor=paging.cursor)


async def theme(reader: Reader, theme_id: str) -> Theme:
    """Return one theme; raise NotFound."""
    found = await reader.get(Theme, theme_id)
    if found is None:
        raise NotFound("There is no such theme.")
    return found
