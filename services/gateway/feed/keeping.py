"""Keeping the feed: what a batch of messages brings is numbered and written as it commits."""

import json
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from sqlalchemy import event, text
from sqlalchemy.orm import Session

from services.gateway.feed.bell import Bell
from services.gateway.feed.view import data_of, dataschema, leaves
from services.gateway.models import ListedOrganisation
from shared.contracts.directory import OrganisationDescription, OrganisationFact
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.contracts.surveys import QuoteFact
from shared.store import Work

_KEPT: Final = "gateway.feed"
_NUMBER = text(
    "UPDATE feed_head SET position = position + :messages WHERE id = 1 RETURNING position"
)
_KEEP = text(
    "INSERT INTO feed (position, message_id, type, envelope, data, taken_back_by)"
    " VALUES (:position, :message_id, :type, :envelope, :data, :taken_back_by)"
    " ON CONFLICT (message_id) DO NOTHING"
)
_TAKE_BACK = text(
    "UPDATE feed SET data = NULL WHERE taken_back_by = :key AND data IS NOT NULL"
    " AND position < (SELECT position FROM feed WHERE message_id = :message_id)"
)


@dataclass(frozen=True, slots=True)
class KeepInFeed:
    """Show a message to the public, as far as that goes."""

    message: Message
    envelope: Envelope


class _Batch:
    """What a unit of work adds to the feed, and what it takes back."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.taken_back: list[dict[str, str]] = []


async def keep_in_feed(work: Work, command: KeepInFeed) -> None:
    """Add the public view of a message to the feed, once however often it comes.

    A withdrawn quote, and what was said of an organisation before it became unlisted, lose their
    words here too; that they were withdrawn is the message that stays.
    """
    message = command.message
    if not leaves(message):
        return
    if isinstance(message, OrganisationFact):
        await _keep_organisation(work, message, command.envelope)
        return
    data = data_of(message)
    key = f"quote/{message.key()}" if isinstance(message, QuoteFact) else None
    _add(work, message, command.envelope, data, key, takes_back=message.tombstone)


async def _keep_organisation(work: Work, message: OrganisationFact, envelope: Envelope) -> None:
    """Show what is said of a listed organisation, and that one is listed no longer."""
    row = await work.get(ListedOrganisation, message.organisation_id)
    key = f"organisation/{message.organisation_id}"
    if not isinstance(message, OrganisationDescription):
        if row is not None:
            _add(work, message, envelope, data_of(message), key)
    elif message.listed:
        if row is None:
            work.add(ListedOrganisation(organisation_id=message.organisation_id))
            await work.flush()
        _add(work, message, envelope, data_of(message), key)
    elif row is not None:
        await work.delete(row)
        await work.flush()
        data = json.dumps({"organisation_id": message.organisation_id, "listed": False})
        _add(work, message, envelope, data, None, takes_back=True, key=key)


def _add(
    work: Work,
    message: Message,
    envelope: Envelope,
    data: str | None,
    taken_back_by: str | None,
    *,
    takes_back: bool = False,
    key: str | None = None,
) -> None:
    batch: _Batch | None = work.info.get(_KEPT)
    if batch is None:
        batch = work.info[_KEPT] = _Batch()
        event.listen(work.sync_session, "before_commit", _write, once=True)
        work.after_commit(work.need(Bell).ring)
    batch.rows.append(
        {
            "message_id": envelope.id,
            "type": message.type,
            "envelope": _envelope(message, envelope),
            "data": data,
            "taken_back_by": taken_back_by,
        }
    )
    if takes_back:
        batch.taken_back.append(
            {"key": key or taken_back_by or "", "message_id": envelope.id},
        )


def _write(session: Session) -> None:
    """Number the batch and write it.

    The head's row stays locked from here to the commit, so batches of several processes commit in
    the order of their numbers: whoever reads position n has been shown all that will ever stand
    before it. It is taken last, so that it is held for two statements and no handler.
    """
    batch: _Batch = session.info.pop(_KEPT)
    last: int = session.execute(_NUMBER, {"messages": len(batch.rows)}).scalar_one()
    first = last - len(batch.rows) + 1
    for position, row in enumerate(batch.rows, first):
        row["position"] = position
    session.execute(_KEEP, batch.rows)
    for each in batch.taken_back:
        session.execute(_TAKE_BACK, each)


def _envelope(message: Message, envelope: Envelope) -> str:
    """Return the attributes as JSON; the subject is the key, for a registration's id stays in."""
    at = envelope.time.astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps(
        {
            "specversion": "1.0",
            "id": envelope.id,
            "source": envelope.source,
            "type": message.type,
            "time": at.removesuffix("+00:00") + "Z",
            "subject": message.key(),
            "dataschema": dataschema(type(message)),
            "datacontenttype": "application/json",
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
