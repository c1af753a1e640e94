"""What the plumbing of a store still holds of somebody who is erased: messages and answers."""

from collections.abc import Collection

from sqlalchemy import delete, update

from shared.store.plumbing import dead_letter, idempotency, outbox, waiting
from shared.store.work import Work

SPENT = "erased"
"""The fingerprint of an answer that was wiped: no request has it."""


async def forget_messages(work: Work, topic: str, keys: Collection[str]) -> int:
    """Delete the messages of a topic with these keys, sent or not, waiting or parked."""
    encoded = [key.encode() for key in keys]
    found = 0
    for table in (outbox, waiting, dead_letter):
        mine = delete(table).where(table.c.topic == topic, table.c.key.in_(encoded))
        found += await work.affect(mine)
    return found


async def forget_answers(work: Work, locations: Collection[str]) -> int:
    """Wipe the kept answers that made these resources.

    Their keys stay spent for the rest of their day: the same request, sent once more, would
    otherwise bring back whoever was erased. It is refused as one with another's key.
    """
    mine = idempotency.c.location.in_(locations)
    wiped = {"fingerprint": SPENT, "location": None, "body": b"{}"}
    return await work.affect(update(idempotency).where(mine).values(wiped))
