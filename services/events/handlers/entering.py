"""Enters a registration, whom it is, and what it counts for: the hot statements.

On PostgreSQL the three are one statement, and thus one round trip; on SQLite, which has no
statements inside others, they are three. Nothing else in events knows which database it is.
"""

from typing import Any

from sqlalchemy import Table, bindparam, text

from services.events.models import contact, places, registration
from shared.store import Work
from shared.store.hot import Hot

_NEW = [column for column in registration.c if column.name != "attended_at"]
_WHO = [column for column in contact.c if column.name != "registration_id"]
_COUNTS = (
    "UPDATE places SET taken = taken + :adds, waiting = waiting + :joins,"
    " last_seq = last_seq + :turns"
)


def _names(columns: Any) -> str:
    return ", ".join(column.name for column in columns)


def _values(columns: Any) -> str:
    return ", ".join(f":{column.name}" for column in columns)


def _typed(words: str, *columns: Any) -> Hot:
    binds = {column.name: bindparam(column.name, type_=column.type) for column in columns}
    for name in ("adds", "joins", "turns"):
        if f":{name}" in words:
            binds[name] = bindparam(name, type_=places.c.taken.type)
    return Hot(text(words).bindparams(*binds.values()))


def _add(table: Table, columns: Any) -> str:
    return f"INSERT INTO {table.name} ({_names(columns)})"


_ENTER = f"{_add(registration, _NEW)} VALUES ({_values(_NEW)})"
_UNLESS_THERE = f"{_ENTER} ON CONFLICT DO NOTHING"

AT_ONCE = _typed(
    f"WITH entered AS ({_UNLESS_THERE} RETURNING id),"  # noqa: S608 -- the names of our own columns
    f" known AS ({_add(contact, contact.c)} SELECT id, {_values(_WHO)} FROM entered),"
    f" counted AS ({_COUNTS} FROM entered WHERE places.event_id = :event_id)"
    " SELECT count(*) FROM entered",
    *_NEW,
    *_WHO,
)
"""All three in one statement; returns how many registrations were entered."""

STEPS = (
    _typed(_UNLESS_THERE, *_NEW),
    _typed(f"{_add(contact, contact.c)} VALUES (:id, {_values(_WHO)})", registration.c.id, *_WHO),
    _typed(f"{_COUNTS} WHERE event_id = :event_id", registration.c.event_id),
)
"""The same, one after the other."""


async def enter(
    work: Work,
    row: dict[str, Any],
    who: dict[str, Any],
    *,
    adds: int = 0,
    joins: int = 0,
    turns: int = 1,
) -> bool:
    """Add a registration with its contact and count it, under the lock of the places.

    `adds` are the people who take places, `joins` the registrations that join the line. Returns
    False, and does nothing, where the same person is there already.
    """
    values = {**row, **who, "adds": adds, "joins": joins, "turns": turns}
    if work.store.dialect == "postgresql":
        return bool(await AT_ONCE.scalar(work, values))
    entered, known, counted = STEPS
    if await entered.execute(work, values) != 1:
        return False
    await known.execute(work, values)
    if adds or joins or turns:
        await counted.execute(work, values)
    return True
