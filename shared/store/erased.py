"""Whom a store has erased: only the keyed hashes, kept for as long as the store itself."""

import json
from collections.abc import Awaitable, Callable, Collection, Iterable

from sqlalchemy import text

from shared.security.erasure import ErasureKey, Kind
from shared.store.hot import Hot
from shared.store.work import Work

_PREFIX = "erased/"
_REMEMBER = {
    "sqlite": text(
        "INSERT INTO about (name, value) SELECT value, :at FROM json_each(:names) WHERE true"
        " ON CONFLICT DO NOTHING RETURNING name"
    ),
    "postgresql": text(
        "INSERT INTO about (name, value)"
        " SELECT value, :at FROM json_array_elements_text(CAST(:names AS json))"
        " ON CONFLICT DO NOTHING RETURNING name"
    ),
}

_KNOWN = {
    dialect: Hot(text(f"SELECT name FROM about WHERE name IN (SELECT {names})"))  # noqa: S608 -- our own words
    for dialect, names in (
        ("sqlite", "value FROM json_each(:names)"),
        ("postgresql", "json_array_elements_text(CAST(:names AS json))"),
    )
}


async def is_erased(work: Work, *erasure_ids: str) -> bool:
    """Say whether one of these erasures was done here."""
    names = json.dumps([_PREFIX + each for each in erasure_ids])
    return await _KNOWN[work.store.dialect].scalar(work, {"names": names}) is not None


async def new_among(work: Work, erasure_ids: Collection[str]) -> set[str]:
    """Remember these erasures as done here; return those that were not before.

    Of two units of work that do the same at once, the second waits and finds nothing new.
    """
    names = json.dumps(sorted(_PREFIX + each for each in erasure_ids))
    values = {"names": names, "at": work.now.isoformat()}
    new = await work.execute(_REMEMBER[work.store.dialect], values)
    return {name.removeprefix(_PREFIX) for name in new.scalars()}


async def meant_by(
    work: Work, kind: Kind, erasure_id: str, ids: Callable[[], Awaitable[Iterable[str]]]
) -> str | None:
    """Return which of a store's `ids` an erasure means, or None.

    They are read and hashed once in a unit of work: a ledger that is told again has many erasures.
    """
    known = work.info.get((meant_by, kind))
    if known is None:
        key = work.need(ErasureKey)
        known = work.info[meant_by, kind] = {key.of(kind, each): each for each in await ids()}
    found: str | None = known.get(erasure_id)
    return found
