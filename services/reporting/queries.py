"""Reads: the facts of a year, and the years told from them, kept until something else is heard."""

import asyncio
import gc
import json
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import select, union
from sqlalchemy.orm import aliased
from sqlmodel import col

from services.reporting.models import ClosedYear, KeptFact, Progress, PublishedFigure
from services.reporting.models import Quote as KeptQuote
from services.reporting.rules import Fact, Place, Quote, Version, YearShown, YearTold, tell_year
from services.reporting.rules.facts import STANDING
from shared.store import Reader, Work

YEARS_KEPT = 8


@dataclass
class KnownYear:
    """A year as it was when `changes` had happened, and what was made of it since, by its form."""

    changes: int
    shown: YearShown
    forms: dict[str, asyncio.Future[bytes]] = field(default_factory=dict)


class YearBook:
    """The years that were told last; each is told anew once anything else was heard."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, KnownYear] = OrderedDict()
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, reader: Reader | Work, year: int) -> YearTold:
        """Return the figures of a year by its facts, as of a moment not before this call."""
        return (await self.known(reader, year)).shown.told

    async def known(self, reader: Reader | Work, year: int) -> KnownYear:
        """Return a year as it may be read, as of a moment not before this call.

        Who asks while it is being told waits for the same telling.
        """
        async with self._turns[year]:
            changes = await reader.scalar(select(col(Progress.changes))) or 0
            known = self._known.get(year)
            if known is None or known.changes != changes:
                known = KnownYear(changes, await _shown(reader, year))
                self._known[year] = known
            self._known.move_to_end(year)
            if len(self._known) > YEARS_KEPT:
                gone, _ = self._known.popitem(last=False)
                self._turns.pop(gone, None)
            return known


async def _shown(reader: Reader | Work, year: int) -> YearShown:
    rows = await _rows_of_year(reader, year)
    closed_at = await closed_at_of(reader, year)
    versions = await versions_of(reader, year)
    quotes = await _quotes(reader, year)
    told = await asyncio.to_thread(_tell, year, rows)  # a second for a large year
    return YearShown(told, closed_at, versions if closed_at else {}, quotes)


async def _rows_of_year(reader: Reader | Work, year: int) -> Sequence[Any]:
    """Return all facts of every scope that has one of the year, and those that stand for ever."""
    named = aliased(KeptFact)
    scopes = union(
        select(col(named.scope)).where(col(named.year) == year),
        select(col(named.scope)).where(col(named.scope).in_(STANDING)),
    )
    kept = select(
        col(KeptFact.message_id),
        col(KeptFact.type),
        col(KeptFact.scope),
        col(KeptFact.slot),
        col(KeptFact.sequence),
        col(KeptFact.at),
        col(KeptFact.year),
        col(KeptFact.data),
    )
    return (await reader.execute(kept.where(col(KeptFact.scope).in_(scopes)))).all()


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Keep the collector from looking through facts again and again: none of them is garbage.

    It took half of the time for a year of 100,000 messages.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _tell(year: int, rows: Sequence[Any]) -> YearTold:
    with _without_collecting():
        return tell_year(year, _facts(rows))


def _facts(rows: Sequence[Any]) -> list[Fact]:
    read = cache(json.loads)  # most of what is said of one registration is said of many
    return [
        Fact(message_id, type_, scope, slot, sequence, at, year_said, read(data))
        for message_id, type_, scope, slot, sequence, at, year_said, data in rows
    ]


async def closed_at_of(reader: Reader | Work, year: int) -> datetime | None:
    """Return when a year was closed; None while it is open."""
    statement = select(col(ClosedYear.closed_at)).where(col(ClosedYear.year) == year)
    closed_at: datetime | None = await reader.scalar(statement)
    return closed_at


async def closed_years(reader: Reader | Work) -> list[int]:
    """Return the years that are closed, in order."""
    return list(await reader.scalars(select(col(ClosedYear.year)).order_by(col(ClosedYear.year))))


async def versions_of(reader: Reader | Work, year: int) -> dict[Place, list[Version]]:
    """Return every version published of each figure of a year, from the first on."""
    its = PublishedFigure
    statement = select(its).where(col(its.year) == year)
    ordered = statement.order_by(col(its.key), col(its.event_id), col(its.version))
    versions: dict[Place, list[Version]] = {}
    for row in await reader.scalars(ordered):
        version = Version(
            row.key,
            row.event_id or None,
            row.version,
            row.value,
            row.because,
            row.as_of,
            row.published_at,
        )
        versions.setdefault(version.place, []).append(version)
    return versions


async def _quotes(reader: Reader | Work, year: int) -> Sequence[Quote]:
    """Return the quotes of a year that may be read, in the order of their random ids."""
    its = KeptQuote
    statement = select(its).where(col(its.year) == year, col(its.text).is_not(None))
    quotes = [
        Quote(row.quote_id, row.event_id, row.text or "", row.language)
        for row in await reader.scalars(statement)
    ]
    return sorted(quotes, key=lambda quote: quote.quote_id)


async def years_known(reader: Reader) -> list[tuple[int, datetime | None]]:
    """Return every year that something was said of, with when it was closed, the latest first."""
    named = select(col(KeptFact.year)).where(col(KeptFact.year).is_not(None))
    found = {int(year) for year in await reader.scalars(named.distinct()) if year is not None}
    closed = {row.year: row.closed_at for row in await reader.scalars(select(ClosedYear))}
    return [(year, closed.get(year)) for year in sorted(found | closed.keys(), reverse=True)]
