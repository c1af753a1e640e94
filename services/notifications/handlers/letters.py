"""Writing letters: each is one delivery per message, recipient and channel, sent afterwards."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import exists, select
from sqlmodel import col

from services.notifications.handlers.contacts import forget_at
from services.notifications.letter import Letter
from services.notifications.models import Delivery
from services.notifications.rules import DELIVERY_KEPT, recipient_hash
from shared.contracts.notifications import DeliveryFailed
from shared.ids import new_id
from shared.observability.metrics import Metrics
from shared.store import Work

CHANNEL: Final = "email"
NOBODY = ""
"""The recipient of a letter whose contact never came."""


async def is_written(work: Work, message_id: str) -> bool:
    """Say whether this message has had its letter: a repeat, even years later, has no other."""
    found = select(exists().where(col(Delivery.message_id) == message_id))
    return bool(await work.scalar(found))


@dataclass(frozen=True)
class WriteLetter:
    """Write the letter that the message `message_id` causes, about a registration or booking."""

    message_id: str
    letter: Letter
    about: str | None = None


async def write_letter(work: Work, command: WriteLetter) -> None:
    """Put a letter on its way, once; who sends it reads it from the delivery."""
    if await is_written(work, command.message_id):
        return
    letter = command.letter
    delivery = Delivery(
        id=new_id(),
        message_id=command.message_id,
        recipient_hash=recipient_hash(command.message_id, letter.email),
        channel=CHANNEL,
        template=letter.template,
        status="queued",
        attempts=0,
        created_at=work.now,
        about=command.about,
        letter=letter.encode().decode(),
    )
    work.add(delivery)
    await work.flush()  # a message of the same batch that waits finds nothing unwritten
    await work.later("send-mail", delivery.id, work.now)
    await forget_at(work, work.now + DELIVERY_KEPT)


@dataclass(frozen=True)
class GiveUpLetter:
    """Note that the letter of `message_id` cannot be written: its contact never came."""

    message_id: str
    template: str


async def give_up_letter(work: Work, command: GiveUpLetter) -> None:
    """Let a letter that can no longer be written end where somebody sees it."""
    if await is_written(work, command.message_id):
        return
    delivery = Delivery(
        id=new_id(),
        message_id=command.message_id,
        recipient_hash=NOBODY,
        channel=CHANNEL,
        template=command.template,
        status="failed",
        attempts=0,
        reason="contact-expired",
        created_at=work.now,
    )
    work.add(delivery)
    work.publish(
        DeliveryFailed(
            delivery_id=delivery.id,
            message_id=delivery.message_id,
            template=delivery.template,
            channel=CHANNEL,
            attempts=0,
            reason="contact-expired",
        )
    )
    await forget_at(work, work.now + DELIVERY_KEPT)
    mails = work.need(Metrics).mails
    work.after_commit(lambda: mails.labels("failed").inc())
