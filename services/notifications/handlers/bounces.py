"""Letters that came back, and addresses that are not written to any more."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import bindparam, select, text
from sqlmodel import UTCDateTime, col

from services.notifications.models import Delivery
from services.notifications.queries import DeliveryRecord, record_of
from services.notifications.writing.farewell import Farewells
from shared.contracts.notifications import DeliveryBounced
from shared.http.problems import NotFound, WrongState
from shared.observability.metrics import Metrics
from shared.store import Work

Reach = Literal["optional", "all"]
CAN_COME_BACK = ("sent", "failed", "bounced")

_SUPPRESS = text(
    "INSERT INTO suppression (mark, reach, since) VALUES (:mark, :reach, :since)"
    " ON CONFLICT (mark) DO UPDATE SET reach = excluded.reach, since = excluded.since"
    " WHERE excluded.reach = 'all' AND suppression.reach <> 'all'"
).bindparams(bindparam("since", type_=UTCDateTime()))


async def suppress(work: Work, mark: str, reach: Reach) -> None:
    """Write to an address no more: at all, or only what is about its person's own doings."""
    await work.execute(_SUPPRESS, {"mark": mark, "reach": reach, "since": work.now})


@dataclass(frozen=True)
class NoteBounce:
    """A letter came back; `is_for_good` where its address does not exist."""

    is_for_good: bool
    delivery_id: str


async def note_bounce(work: Work, command: NoteBounce) -> DeliveryRecord:
    """Say that a letter came back, once, and suppress an address that does not exist.

    Raises NotFound, or WrongState for a letter that has not gone out.
    """
    statement = select(Delivery).where(col(Delivery.id) == command.delivery_id).with_for_update()
    delivery: Delivery | None = await work.scalar(statement)
    if delivery is None:
        raise NotFound("There is no such delivery.")
    if delivery.status not in CAN_COME_BACK:
        raise WrongState("That letter has not gone out.", state="queued")
    if command.is_for_good and delivery.address_mark is not None:
        await suppress(work, delivery.address_mark, "all")
    if delivery.status != "bounced":
        delivery.status = "bounced"
        delivery.reason = "no-such-address" if command.is_for_good else "came-back"
        tell_of_bounce(work, delivery)
    return record_of(delivery)


def tell_of_bounce(work: Work, delivery: Delivery) -> None:
    """Publish that a letter came back."""
    work.publish(
        DeliveryBounced(
            delivery_id=delivery.id,
            message_id=delivery.message_id,
            template=delivery.template,
            channel="email",
            attempts=delivery.attempts,
        )
    )
    mails = work.need(Metrics).mails
    work.after_commit(lambda: mails.labels("bounced").inc())


@dataclass(frozen=True)
class Unsubscribe:
    """Somebody wants no more letters but those about their own doings."""

    token: str


async def unsubscribe(work: Work, command: Unsubscribe) -> None:
    """Suppress such letters to the address of a token, which nobody is told; again is alike.

    Raises NotFound for what is no token of ours.
    """
    mark = work.need(Farewells).read(command.token)
    if mark is None:
        raise NotFound("That link is not one of ours.")
    await suppress(work, mark, "optional")
