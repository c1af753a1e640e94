"""Sending letters: each at most once where once is all that can be known, else until it is sent."""

from email.message import EmailMessage

from sqlalchemy import select
from sqlmodel import col

from services.notifications.letter import Letter
from services.notifications.models import Delivery
from services.notifications.rules import WITHIN, AddressUnfit
from services.notifications.writing.mail import compose
from services.notifications.writing.post import InDoubt, Post, Refused, TryLater
from services.notifications.writing.wording import Wording
from shared.contracts.notifications import DeliveryFailed, DeliverySent
from shared.observability.metrics import Metrics
from shared.store import Store, Work
from shared.store.scheduler import Due
from shared.store.work import shielded


class Postman:
    """Makes mails of letters and knows the way they go."""

    def __init__(self, post: Post, *, sender: str, host: str) -> None:
        self.post = post
        self._wording = Wording()
        self._sender = sender
        self._host = host

    def compose(self, delivery_id: str, letter: str) -> EmailMessage:
        """Return the mail of a delivery's letter; raises AddressUnfit."""
        return compose(
            Letter.model_validate_json(letter),
            self._wording,
            delivery_id=delivery_id,
            sender=self._sender,
            host=self._host,
        )


async def send_mail(store: Store, due: Due) -> None:
    """Send the letter of a delivery and note what became of it.

    Where sending twice would be two mails, the delivery is `sending` before the first byte goes
    out: one that is found so later is in doubt, and is failed, not repeated. TryLater is raised
    on, so that the scheduler comes again. What is begun is ended though the service stops.
    """
    await shielded(_send(store, due.key))


async def withdraw_letters(work: Work, about: str) -> None:
    """Give up the letters about a registration or booking that have not begun to go out."""
    waiting = select(Delivery).where(col(Delivery.about) == about, col(Delivery.status) == "queued")
    for delivery in (await work.scalars(waiting.with_for_update())).all():
        await _note(work, delivery, "failed", "withdrawn")


async def _send(store: Store, delivery_id: str) -> None:
    postman = store.need(Postman)
    async with store.read() as reader:
        delivery = await reader.get(Delivery, delivery_id)
    if delivery is None or delivery.letter is None:
        async with store.work() as work:
            await work.drop("send-mail", delivery_id)
        return
    try:
        mail = postman.compose(delivery_id, delivery.letter)
    except AddressUnfit:
        await _end(store, delivery_id, "failed", "address-unfit")
        return
    if not postman.post.repeatable and not await _begin(store, delivery_id):
        return
    try:
        await postman.post.send(delivery_id, mail)
    except TryLater:
        if await _put_back(store, delivery_id):
            raise
    except Refused:
        await _end(store, delivery_id, "failed", "refused")
    except InDoubt:
        await _end(store, delivery_id, "failed", "in-doubt")
    else:
        await _end(store, delivery_id, "sent")


async def _begin(store: Store, delivery_id: str) -> bool:
    """Mark a delivery as being sent; say no where it was begun before and is in doubt."""
    async with store.work() as work:
        delivery = await _locked(work, delivery_id)
        if delivery is None or delivery.letter is None:
            await work.drop("send-mail", delivery_id)
            return False
        if delivery.status == "sending":
            await _note(work, delivery, "failed", "in-doubt")
            return False
        delivery.status = "sending"
        delivery.attempts += 1
        return True


async def _put_back(store: Store, delivery_id: str) -> bool:
    """Let a delivery be tried again; say no where that has gone on long enough, and end it."""
    async with store.work() as work:
        delivery = await _locked(work, delivery_id)
        if delivery is None:
            await work.drop("send-mail", delivery_id)
            return False
        if delivery.status == "queued":
            delivery.attempts += 1
        if delivery.created_at < work.now - WITHIN:
            await _note(work, delivery, "failed", "unreachable")
            return False
        delivery.status = "queued"
        return True


async def _end(store: Store, delivery_id: str, status: str, reason: str | None = None) -> None:
    async with store.work() as work:
        delivery = await _locked(work, delivery_id)
        if delivery is None:
            await work.drop("send-mail", delivery_id)
            return
        if delivery.status == "queued":
            delivery.attempts += 1
        await _note(work, delivery, status, reason)


async def _note(work: Work, delivery: Delivery, status: str, reason: str | None) -> None:
    """Say what became of a delivery, and wipe the letter."""
    delivery.status = status
    delivery.reason = reason
    delivery.letter = delivery.about = None
    kind = DeliverySent if status == "sent" else DeliveryFailed
    told = kind(
        delivery_id=delivery.id,
        message_id=delivery.message_id,
        template=delivery.template,
        channel="email",
        attempts=delivery.attempts,
    )
    if reason is not None:
        told = told.model_copy(update={"reason": reason})
    else:
        delivery.sent_at = work.now
    work.publish(told)
    await work.drop("send-mail", delivery.id)
    mails = work.need(Metrics).mails
    work.after_commit(lambda: mails.labels(status).inc())


async def _locked(work: Work, delivery_id: str) -> Delivery | None:
    statement = select(Delivery).where(col(Delivery.id) == delivery_id).with_for_update()
    found: Delivery | None = await work.scalar(statement)
    return found
