"""Keeping facts: what a batch of messages brings is written at once when its work is committed."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import bindparam, text
from sqlmodel import UTCDateTime

from services.reporting.handlers.amending import amend_closed_years, note_progress
from services.reporting.rules import Fact
from shared.store import Work
from shared.store.hot import Hot

_KEPT = "reporting.facts"
_KEEP = Hot(
    text(
        "INSERT INTO fact (message_id, type, scope, slot, sequence, at, year, data)"
        " VALUES (:message_id, :type, :scope, :slot, :sequence, :at, :year, :data)"
        " ON CONFLICT (message_id) DO NOTHING"
    ).bindparams(bindparam("at", type_=UTCDateTime()))
)
_as_json = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class KeepFact:
    """Keep what a message said."""

    fact: Fact


async def keep_fact(work: Work, command: KeepFact) -> None:
    """Keep a fact, once however often it comes.

    It is written with the others of its unit of work by one statement as that commits: a rebuild
    is bound by the bus and not by the store.
    """
    fact = command.fact
    kept: list[dict[str, Any]] | None = work.info.get(_KEPT)
    if kept is None:
        kept = work.info[_KEPT] = []
        work.before_commit(partial(_KEEP.execute_many, work, kept))
        note_progress(work)
        await amend_closed_years(work)
    kept.append(
        {
            "message_id": fact.message_id,
            "type": fact.type,
            "scope": fact.scope,
            "slot": fact.slot,
            "sequence": fact.sequence,
            "at": fact.at,
            "year": fact.year,
            "data": _as_json(fact.data),
        }
    )
