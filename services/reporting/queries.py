"""Reads: the facts of a year, and the years told from them, kept until another fact comes."""

import json
from collections import OrderedDict
from functools import cache

from sqlalchemy import select, union
from sqlalchemy.orm import aliased
from sqlmodel import col

from services.reporting.models import KeptFact, Progress
from services.reporting.rules import Fact, YearTold, tell_year
from services.reporting.rules.facts import STANDING
from shared.store import Reader

YEARS_KEPT = 8


class YearBook:
    """The years that were told last; each is told anew once another fact was kept."""

    def __init__(self) -> None:
        self._told: OrderedDict[int, tuple[int, YearTold]] = OrderedDict()

    async def of(self, reader: Reader, year: int) -> YearTold:
        """Return the figures of a year, as of a moment not before this call."""
        changes = await reader.scalar(select(col(Progress.changes))) or 0
        known = self._told.get(year)
        if known is None or known[0] != changes:
            known = changes, tell_year(year, await facts_of_year(reader, year))
            self._told[year] = known
        self._told.move_to_end(year)
        if len(self._told) > YEARS_KEPT:
            self._told.popitem(last=False)
        return known[1]


async def facts_of_year(reader: Reader, year: int) -> list[Fact]:
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
    rows = await reader.execute(kept.where(col(KeptFact.scope).in_(scopes)))
    read = cache(json.loads)  # most of what is said of one registration is said of many
    return [
        Fact(message_id, type_, scope, slot, sequence, at, year_said, read(data))
        for message_id, type_, scope, slot, sequence, at, year_said, data in rows
    ]
