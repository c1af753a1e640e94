"""Writing letters: each is one delivery per message, recipient and channel, sent afterwards."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, exists, insert, select
from sqlmodel import col

from services.notifications.handlers.contacts import forget_at
from services.notifications.letter import Letter
from services.notifications.models import Delivery, Suppression
from services.notifications.rules import DELIVERY_KEPT, OPTIONAL, AddressUnfit, recipient_hash
from services.notifications.writing.safe import Marks
from shared.contracts.notifications import DeliveryFailed
from shared.ids import new_id
from shared.observability.metrics import Metrics
from shared.store import Work
from shared.store.hot import Hot

CHANNEL: Final = "email"
NOBODY = ""
"""The recipient of a letter whose contact never came."""

_IS_WRITTEN = Hot(
    select(exists().where(col(Delivery.message_id) == bindparam("message_id")).label("is_written"))
)
_REACH = Hot(select(col(Suppression.reach)).where(col(Suppression.mark) == bindparam("mark")))
_QUEUED: Final[dict[str, Any]] = {"channel": CHANNEL, "status": "queued", "attempts": 0}
_QUEUE = Hot(
    insert(Delivery),
    *("id", "message_id", "recipient_hash", "template", "created_at"),
    *("address_mark", "about", "letter", *_QUEUED),
)


async def is_written(work: Work, message_id: str) -> bool:
    """Say whether this message has had its letter: a repeat, even years later, has no other."""
    return bool(await _IS_WRITTEN.scalar(work, {"message_id": message_id}))


async def is_unwanted(work: Work, email: str, template: str) -> bool:
    """Say whether no such letter may go to an address: it bounces, or nobody wants it there."""
    return await _suppressed(work, _mark(work, email), template)


@dataclass(frozen=True)
class WriteLetter:
    """Write the letter that the message `message_id` causes, about a registration or booking."""

    message_id: str
    letter: Letter
    about: str | None = None


async def write_letter(work: Work, command: WriteLetter) -> None:
    """Put a letter on its way, once; who sends it reads it from the delivery."""
    if not await is_written(work, command.message_id):
        await write_first_letter(work, command)


async def write_first_letter(work: Work, command: WriteLetter) -> None:
    """Put the letter of a message on its way that is known to have had none."""
    recipient = recipient_hash(command.message_id, command.letter.email)
    await send_letter(
        work,
        SendLetter(command.message_id, command.letter, command.about, new_id(), recipient),
    )


@dataclass(frozen=True)
class SendLetter:
    """Send a letter as the delivery `delivery_id`; `recipient` is unique among its message's."""

    message_id: str
    letter: Letter
    about: str | None
    delivery_id: str
    recipient: str


async def send_letter(work: Work, command: SendLetter) -> None:
    """Put a letter on its way; to an address that bounces, it ends as failed at once."""
    letter = command.letter
    mark = _mark(work, letter.email)
    delivery: dict[str, Any] = {
        **_QUEUED,
        "id": command.delivery_id,
        "message_id": command.message_id,
        "recipient_hash": command.recipient,
        "template": letter.template,
        "created_at": work.now,
        "address_mark": mark,
    }
    if await _suppressed(work, mark, letter.template):
        await _fail(work, Delivery(**delivery), "suppressed")
        return
    written = {"about": command.about, "letter": letter.encode().decode()}
    await _QUEUE.execute(work, delivery | written)
    await work.later("send-mail", command.delivery_id, work.now)
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
        status="queued",
        attempts=0,
        created_at=work.now,
    )
    await _fail(work, delivery, "contact-expired")


async def _fail(work: Work, delivery: Delivery, reason: str) -> None:
    """Keep a delivery that ends before it began."""
    delivery.status, delivery.reason = "failed", reason
    work.add(delivery)
    await work.flush()  # the next message looks for it
    work.publish(
        DeliveryFailed(
            delivery_id=delivery.id,
            message_id=delivery.message_id,
            template=delivery.template,
            channel=CHANNEL,
            attempts=0,
            reason=reason,
        )
    )
    await forget_at(work, work.now + DELIVERY_KEPT)
    mails = work.need(Metrics).mails
    work.after_commit(lambda: mails.labels("failed").inc())


def _mark(work: Work, email: str) -> str | None:
    """Return the mark of an address; None for what is no address, and fails when it is sent."""
    try:
        return work.need(Marks).mark(email)
    except AddressUnfit:
        return None


async def _suppressed(work: Work, mark: str | None, template: str) -> bool:
    if mark is None:
        return False
    reach = await _REACH.scalar(work, {"mark": mark})
    return reach == "all" or (reach is not None and template in OPTIONAL)
