"""Whom a store has erased: only the keyed hashes, kept for as long as the store itself."""

from collections.abc import Collection

from sqlalchemy import insert, select

from shared.store.plumbing import about
from shared.store.work import Work

_PREFIX = "erased/"


async def is_erased(work: Work, *erasure_ids: str) -> bool:
    """Say whether one of these erasures was done here."""
    names = [_PREFIX + each for each in erasure_ids]
    return await work.scalar(select(about.c.name).where(about.c.name.in_(names))) is not None


async def new_among(work: Work, erasure_ids: Collection[str]) -> set[str]:
    """Remember these erasures as done here; return those that were not before."""
    names = [_PREFIX + each for each in erasure_ids]
    known = set((await work.scalars(select(about.c.name).where(about.c.name.in_(names)))).all())
    new = [name for name in names if name not in known]
    if new:
        rows = [{"name": name, "value": work.now.isoformat()} for name in new]
        await work.execute(insert(about), rows)
    return {name.removeprefix(_PREFIX) for name in new}
