"""What a store that was restored from an older copy must learn of the letters since."""

from dataclasses import dataclass
from datetime import datetime

from services.notifications.handlers.contacts import forget_at
from services.notifications.handlers.deliveries import wipe_letter
from services.notifications.models import Delivery
from services.notifications.rules import DELIVERY_KEPT
from shared.contracts.notifications import DeliveryBounced, DeliveryFact, DeliveryFailed
from shared.store import Work


@dataclass(frozen=True)
class RememberLetter:
    """The lost store had ended this delivery, `at` that time, and told so."""

    fact: DeliveryFact
    at: datetime


async def remember_letter(work: Work, command: RememberLetter) -> None:
    """Keep a letter that is out as out: nothing that caused one causes another.

    The recipient is not told, so that the delivery stands in for its own. Where one message
    causes letters to many, those that had not begun are written again.
    """
    fact = command.fact
    delivery = await work.get(Delivery, fact.delivery_id)
    if delivery is None:
        delivery = Delivery(
            id=fact.delivery_id,
            message_id=fact.message_id,
            recipient_hash=fact.delivery_id,
            channel=fact.channel,
            template=fact.template,
            status="queued",
            attempts=0,
            created_at=command.at,
        )
        work.add(delivery)
        await forget_at(work, command.at + DELIVERY_KEPT)
    delivery.attempts = fact.attempts
    wipe_letter(delivery)
    match fact:
        case DeliveryFailed():
            delivery.status, delivery.reason = "failed", fact.reason
        case DeliveryBounced():
            delivery.status = "bounced"
        case _:
            delivery.status, delivery.sent_at = "sent", command.at
    await work.drop("send-mail", delivery.id)
    await work.flush()
