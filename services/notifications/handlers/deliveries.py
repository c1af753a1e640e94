"""Sending letters: each at most once where once is all that can be known, else until it is sent."""

import asyncio
from datetime import timedelta
from email.message import EmailMessage

from sqlalchemy import ColumnElement, select
from sqlmodel import col

from services.notifications.handlers.bounces import suppress, tell_of_bounce
from services.notifications.installation import Installation
from services.notifications.letter import Letter
from services.notifications.models import Delivery
from services.notifications.rules import OPTIONAL, WITHIN, AddressUnfit
from services.notifications.writing.farewell import Farewells
from services.notifications.writing.mail import compose
from services.notifications.writing.post import InDoubt, Post, Refused, TryLater
from services.notifications.writing.safe import Safe
from services.notifications.writing.wording import Wording
from shared.contracts.notifications import DeliveryFailed, DeliverySent
from shared.observability import tracing
from shared.observability.metrics import Metrics
from shared.store import Store, Work
from shared.store.scheduler import Due

ERASED_AGAIN = timedelta(minutes=1)
ENDED = ("sent", "failed", "bounced")


class Postman:
    """Makes mails of letters and knows the way they go."""

    def __init__(
        self, post: Post, house: Installation, safe: Safe, farewells: Farewells, *, sender: str
    ) -> None:
        self.post = post
        self._safe = safe
        self._farewells = farewells
        self._wording = Wording()
        self._sender = sender
        self._house = house

    def compose(self, delivery_id: str, kept: str) -> EmailMessage:
        """Return the mail of a delivery's letter; raises AddressUnfit."""
        letter = Letter.model_validate_json(kept)
        if letter.ballot is not None:
            token = self._safe.unlock(letter.ballot)
            link = self._house.ballot_link(letter.language, token)
            letter = letter.model_copy(update={"link": link})
        farewell = None
        if letter.template in OPTIONAL:
            farewell = self._farewells.farewell(letter.email, letter.language)
        return compose(
            letter,
            self._wording,
            delivery_id=delivery_id,
            sender=self._sender,
            host=self._house.host,
            farewell=farewell,
        )


async def send_mail(store: Store, due: Due) -> None:
    """Send the letter of a delivery and note what became of it.

    Where sending twice would be two mails, the delivery is `sending` before the first byte goes
    out: one that is found so later is in doubt, and is failed, not repeated. TryLater is raised
    on, so that the scheduler comes again. A mail that is being handed over is ended though the
    service stops; one that is only offered is given up for later.
    """
    sending = asyncio.create_task(_send(store, due.key))
    try:
        await asyncio.shield(sending)
    except asyncio.CancelledError:
        store.need(Postman).post.give_up(due.key)
        await asyncio.gather(sending, return_exceptions=True)
        raise


async def erase_mail_soon(work: Work, delivery_id: str) -> None:
    """Have what lies here of a mail removed once this unit of work is committed."""
    await work.later("erase-mail", delivery_id, work.now)


async def erase_mail(store: Store, due: Due) -> None:
    """Remove what lies here of a mail; a minute later again, since it may be being written."""
    await store.need(Postman).post.erase(due.key)
    async with store.work() as work:
        await work.drop(due.kind, due.key)
        if not due.data.get("again"):
            await work.later(due.kind, due.key, work.now + ERASED_AGAIN, {"again": True})


async def withdraw_letters(work: Work, about: str) -> None:
    """Give up the letters about a registration or booking that have not begun to go out."""
    await _withdraw(work, col(Delivery.about) == about)


async def withdraw_letters_of(work: Work, message_id: str) -> None:
    """Give up the letters that a message caused and that have not begun to go out."""
    await _withdraw(work, col(Delivery.message_id) == message_id)


async def _withdraw(work: Work, which: ColumnElement[bool]) -> None:
    waiting = select(Delivery).where(which, col(Delivery.status) == "queued")
    for delivery in (await work.scalars(waiting.with_for_update())).all():
        await withdraw(work, delivery)


async def withdraw(work: Work, delivery: Delivery) -> None:
    """Give up one letter that has not begun to go out."""
    await _note(work, delivery, "failed", "withdrawn")


def wipe_letter(delivery: Delivery) -> None:
    """Wipe the letter of a delivery that has ended; what it was about, an erasure asks for.

    Of a letter with a ballot, nothing says whose it was.
    """
    delivery.letter = None
    if delivery.template in OPTIONAL:
        delivery.about = None


async def _send(store: Store, delivery_id: str) -> None:
    postman = store.need(Postman)
    async with store.read() as reader:
        letter = await reader.scalar(
            select(col(Delivery.letter)).where(col(Delivery.id) == delivery_id)
        )
    if letter is None:
        async with store.work() as work:
            await work.drop("send-mail", delivery_id)
        return
    try:
        mail = postman.compose(delivery_id, letter)
    except AddressUnfit:
        await _end(store, delivery_id, "failed", "address-unfit")
        return
    if not postman.post.repeatable and not await _begin(store, delivery_id):
        return
    try:
        with tracing.calling("notifications", "send mail", postman.post.told):
            await postman.post.send(delivery_id, mail)
    except TryLater:
        if await _put_back(store, delivery_id):
            raise
    except Refused as refused:
        await _end(store, delivery_id, "failed", "refused", bounces=refused.no_such_address)
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
        if delivery is None or delivery.status in ENDED:  # by another process, meanwhile
            await work.drop("send-mail", delivery_id)
            return False
        if delivery.status == "queued":
            delivery.attempts += 1
        if delivery.created_at < work.now - WITHIN:
            await _note(work, delivery, "failed", "unreachable")
            return False
        delivery.status = "queued"
        return True


async def _end(
    store: Store,
    delivery_id: str,
    status: str,
    reason: str | None = None,
    *,
    bounces: bool = False,
) -> None:
    """Note the end of a delivery; where its address `bounces`, nothing goes there any more."""
    async with store.work() as work:
        delivery = await _locked(work, delivery_id)
        if delivery is None or delivery.status in ENDED:  # by another process, meanwhile
            await work.drop("send-mail", delivery_id)
            return
        if delivery.status == "queued":
            delivery.attempts += 1
        await _note(work, delivery, status, reason)
        if bounces:
            tell_of_bounce(work, delivery)
            if delivery.address_mark is not None:
                await suppress(work, delivery.address_mark, "all")


async def _note(work: Work, delivery: Delivery, status: str, reason: str | None) -> None:
    """Say what became of a delivery, and wipe the letter."""
    delivery.status = status
    delivery.reason = reason
    wipe_letter(delivery)
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
