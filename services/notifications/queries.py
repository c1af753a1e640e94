"""Reads: what became of the letters, without their addresses."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlmodel import col

from services.notifications.models import Delivery, Survey
from shared.http.paging import keyset
from shared.http.problems import NotFound
from shared.store import Reader

UNDER_WAY = ("queued", "sending")


@dataclass(frozen=True)
class DeliveryRecord:
    """What may be told of a delivery."""

    id: str
    message_id: str
    template: str
    channel: str
    status: str
    attempts: int
    sent_at: datetime | None
    reason: str | None


async def deliveries(
    reader: Reader,
    *,
    status: str | None,
    message_id: str | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[DeliveryRecord], str | None]:
    """Return one page of deliveries, oldest first, and the cursor of the next.

    Letters about surveys have random ids, and so random places among the others.
    """
    statement: Select[tuple[Delivery]] = select(Delivery)
    if status is not None:
        statuses = UNDER_WAY if status == "queued" else (status,)
        statement = statement.where(col(Delivery.status).in_(statuses))
    if message_id is not None:
        statement = statement.where(col(Delivery.message_id) == message_id)
    rows, following = await keyset(
        reader, statement, [col(Delivery.id)], limit=limit, cursor=cursor
    )
    return [record_of(row) for row in rows], following


async def delivery(reader: Reader, delivery_id: str) -> DeliveryRecord:
    """Return one delivery; raises NotFound."""
    row = await reader.get(Delivery, delivery_id)
    if row is None:
        raise NotFound("There is no such delivery.")
    return record_of(row)


async def waiting_since(reader: Reader, now: datetime) -> datetime | None:
    """Return when the oldest open survey opened whose ballots are not handed out yet, or None."""
    opened = col(Survey.opened_at)
    return await reader.scalar(
        select(opened)
        .where(
            opened.is_not(None),
            col(Survey.is_handed_out).is_(False),
            col(Survey.is_closed).is_(False),
            col(Survey.closes_at) > now,
        )
        .order_by(opened)
        .limit(1)
    )


def record_of(row: Delivery) -> DeliveryRecord:
    """Return what may be told of a delivery."""
    return DeliveryRecord(
        id=row.id,
        message_id=row.message_id,
        template=row.template,
        channel=row.channel,
        status="queued" if row.status in UNDER_WAY else row.status,
        attempts=row.attempts,
        sent_at=row.sent_at,
        reason=row.reason,
    )
