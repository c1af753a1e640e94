"""Dead letters: messages put aside with their reason, to be listed, shown, replayed or dropped."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from shared.ids import new_id
from shared.messaging.received import Received
from shared.messaging.subscription import Subscription
from shared.store.plumbing import dead_letter
from shared.store.work import Reader, Work, decode_headers, encode_headers


async def park(
    work: Work, subscription: Subscription, received: Received, reason: str, attempts: int
) -> None:
    """Put a message aside: a row for those who look after it, and a copy on the dead-letter topic.

    The copy keeps key, body and headers and adds reason, attempts and the topic it came from.
    """
    await work.execute(
        insert(dead_letter).values(
            id=new_id(),
            consumer=subscription.group,
            message_id=received.id,
            topic=received.topic,
            key=received.key,
            headers=encode_headers(received.headers),
            body=received.body,
            reason=reason,
            attempts=attempts,
            parked_at=datetime.now(UTC),
        )
    )
    work.forward(
        subscription.dead_letters.name,
        message_id=received.id,
        key=received.key,
        headers=[
            *received.headers,
            ("andan-reason", reason.encode()),
            ("andan-attempts", str(attempts).encode()),
            ("andan-topic", received.topic.encode()),
        ],
        body=received.body,
    )


async def listed(reader: Reader, limit: int = 100) -> list[Row[Any]]:
    """Return the parked messages, oldest first."""
    statement = select(dead_letter).order_by(dead_letter.c.id).limit(limit)
    return list((await reader.execute(statement)).all())


async def find(reader: Reader, letter_id: str) -> Row[Any] | None:
    """Return one parked message, or None."""
    return (await reader.execute(select(dead_letter).where(dead_letter.c.id == letter_id))).first()


async def drop(work: Work, letter_id: str) -> bool:
    """Give a parked message up; say whether it was there."""
    return bool(await work.affect(delete(dead_letter).where(dead_letter.c.id == letter_id)))


async def send_again(work: Work, letter: Row[Any]) -> None:
    """Put what the relay had parked back into the outbox."""
    if await drop(work, letter.id):
        work.forward(
            letter.topic,
            message_id=letter.message_id,
            key=letter.key,
            headers=decode_headers(letter.headers),
            body=letter.body,
        )


async def failed_again(work: Work, letter_id: str, reason: str) -> None:
    """Note that a replay failed too."""
    await work.execute(
        update(dead_letter)
        .where(dead_letter.c.id == letter_id)
        .values(reason=reason, attempts=dead_letter.c.attempts + 1)
    )
