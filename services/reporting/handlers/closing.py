"""Closing a year: every figure is published as it stands, and the report is final."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, text
from sqlmodel import UTCDateTime, col

from services.reporting.handlers.amending import (
    amend_closed_years,
    note_progress,
    publish_changes,
)
from services.reporting.models import Progress
from services.reporting.queries import YearBook, closed_at_of
from services.reporting.rules import changes
from shared.contracts.reporting import Figure, YearClosed
from shared.problem import Problem
from shared.store import Work

_CLOSE = text(
    "INSERT INTO closed_year (year, closed_at) VALUES (:year, :closed_at)"
    " ON CONFLICT (year) DO NOTHING"
).bindparams(bindparam("closed_at", type_=UTCDateTime()))
_KEEP = text(
    "INSERT INTO published_figure"
    " (year, key, event_id, version, value, because, as_of, published_at)"
    " VALUES (:year, :key, :event_id, :version, :value, :because, :as_of, :published_at)"
    " ON CONFLICT (year, key, event_id, version) DO NOTHING"
).bindparams(
    bindparam("as_of", type_=UTCDateTime()), bindparam("published_at", type_=UTCDateTime())
)


class YearNotBegun(Problem):
    """The year has not begun

    A year can be closed once it has begun, and the figures then published are those of that time.
    """


@dataclass(frozen=True, slots=True)
class CloseYear:
    """Publish the figures of a year and make its report final."""

    year: int


async def close_year(work: Work, command: CloseYear) -> datetime:
    """Close a year and return when that was; one that is closed already stays as it is.

    Raises YearNotBegun. Whoever keeps personal data for the year may destroy it once it hears
    `YearClosed`.
    """
    if command.year > work.now.year:
        raise YearNotBegun(f"{command.year} has not begun.")
    await work.execute(select(col(Progress.id)).with_for_update())
    closed_at = await closed_at_of(work, command.year)
    if closed_at is not None:
        return closed_at
    told = await work.need(YearBook).of(work, command.year)
    await publish_changes(work, command.year, changes(told, {}))
    await work.execute(_CLOSE, {"year": command.year, "closed_at": work.now})
    work.publish(YearClosed(year=command.year))
    note_progress(work)
    return work.now


@dataclass(frozen=True, slots=True)
class KeepClosing:
    """Know that a year is closed."""

    year: int
    closed_at: datetime


async def keep_closing(work: Work, command: KeepClosing) -> None:
    """Keep that a year is closed: a store that is rebuilt learns it from what was published."""
    known = await closed_at_of(work, command.year)
    if known is None:
        await work.execute(_CLOSE, {"year": command.year, "closed_at": command.closed_at})
        await amend_closed_years(work)
        note_progress(work)


@dataclass(frozen=True, slots=True)
class KeepVersion:
    """Know a version of a figure that was published."""

    figure: Figure
    published_at: datetime


async def keep_version(work: Work, command: KeepVersion) -> None:
    """Keep a version of a figure, once however often it comes."""
    figure = command.figure
    values = {
        "year": figure.year,
        "key": figure.figure_key,
        "event_id": figure.event_id or "",
        "version": figure.version,
        "value": figure.value,
        "because": figure.because,
        "as_of": figure.as_of,
        "published_at": command.published_at,
    }
    kept = await work.execute(_KEEP, values)
    if kept.rowcount:  # type: ignore[attr-defined]  # a cursor result
        note_progress(work)
