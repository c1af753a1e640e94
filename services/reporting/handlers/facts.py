"""Keeping facts: what a batch of messages brings is written at once when its work is committed."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, event, text
from sqlalchemy.orm import Session
from sqlmodel import UTCDateTime

from services.reporting.handlers.amending import amend_closed_years, note_progress
from services.reporting.rules import Fact
from shared.store import Work

_KEPT = "reporting.facts"
_KEEP = text(
    "INSERT INTO fact (message_id, type, scope, slot, sequence, at, year, data)"
    " VALUES (:message_id, :type, :scope, :slot, :sequence, :at, :year, :data)"
    " ON CONFLICT (message_id) DO NOTHING"
).bindparams(bindparam("at", type_=UTCDateTime()))


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
        event.listen(work.sync_session, "before_commit", _write, once=True)
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
            "data": json.dumps(fact.data, sort_keys=True, separators=(",", ":")),
        }
    )


def _write(session: Session) -> None:
    kept = session.info.pop(_KEPT)
    session.execute(_KEEP, kept)
