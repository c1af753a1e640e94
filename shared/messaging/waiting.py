"""Messages that wait for what another topic has not brought yet, and those queued behind them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Exists,
    Row,
    Select,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)

from shared.messaging.received import Received, read
from shared.messaging.subscription import NotYet
from shared.store.plumbing import waiting
from shared.store.work import Reader, Work, decode_headers, encode_headers

_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:consumer, 0))")
_AMONG = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:consumer, 0))")


async def alone(work: Work, consumer: str) -> None:
    """Wait until nobody takes messages as `consumer`, and keep others from it until the commit.

    On PostgreSQL several processes do. One may bring what a message of another waits for, and
    have looked for those that wait just before that one was written down. Whoever has been alone
    for a moment, after it was, sees what was brought.
    """
    if work.store.dialect == "postgresql":
        await work.execute(_ALONE, {"consumer": consumer})


async def among(work: Work, consumer: str) -> None:
    """Be one of those that take messages as `consumer`; `inbox.take` says so by itself."""
    if work.store.dialect == "postgresql":
        await work.execute(_AMONG, {"consumer": consumer})


async def awaiting(reader: Reader, consumer: str, ids: Sequence[str]) -> list[Row[Any]]:
    """Return those of the messages that wait for what is missing, first of their line, by seq."""
    statement = _first_of_lines(consumer).where(waiting.c.message_id.in_(ids))
    return list((await reader.execute(statement.order_by(waiting.c.seq))).all())


async def awaiting_since(
    reader: Reader, consumer: str, before: datetime, at_most: int
) -> list[Row[Any]]:
    """Return the same of all that wait since before an instant; by chance, where they are many."""
    statement = _first_of_lines(consumer).where(waiting.c.since < before)
    rows = (await reader.execute(statement.order_by(func.random()).limit(at_most))).all()
    return sorted(rows, key=lambda row: row.seq)


def _first_of_lines(consumer: str) -> Select[Any]:
    return select(waiting).where(
        waiting.c.consumer == consumer, waiting.c.awaits_topic.is_not(None), ~_blocked()
    )


async def held(work: Work, seqs: Sequence[int]) -> list[Row[Any]]:
    """Return those that still wait and that nobody else has in hand, by seq; they are locked."""
    statement = select(waiting).where(waiting.c.seq.in_(seqs)).order_by(waiting.c.seq)
    return list((await work.execute(statement.with_for_update(skip_locked=True))).all())


async def lines(reader: Reader, consumer: str) -> set[tuple[str, str]]:
    """Return the (topic, subject) pairs of which a message waits for `consumer`."""
    statement = (
        select(waiting.c.topic, waiting.c.subject).where(waiting.c.consumer == consumer).distinct()
    )
    return {(row.topic, row.subject) for row in await reader.execute(statement)}


async def put(work: Work, consumer: str, received: Received, missing: NotYet | None) -> None:
    """Let a message wait for what is missing, or (None) only for those of its line before it."""
    await work.execute(
        insert(waiting).values(
            consumer=consumer,
            subject=received.line[1],
            awaits_topic=missing and missing.topic,
            awaits_key=missing and missing.key,
            message_id=received.id,
            topic=received.topic,
            key=received.key,
            headers=encode_headers(received.headers),
            body=received.body,
            since=datetime.now(UTC),
        )
    )


async def wake(work: Work, consumer: str, arrivals: Sequence[tuple[str, str]]) -> None:
    """Make those that wait for one of the (topic, key) arrivals ready to run."""
    missed = tuple_(waiting.c.awaits_topic, waiting.c.awaits_key)
    await work.execute(
        update(waiting)
        .where(waiting.c.consumer == consumer, missed.in_(arrivals))
        .values(awaits_topic=None, awaits_key=None)
    )


async def next_ready(reader: Reader, consumer: str) -> Row[Any] | None:
    """Return the first message that is ready and has none of its line before it."""
    ready = waiting.c.awaits_topic.is_(None)
    statement = select(waiting).where(waiting.c.consumer == consumer, ready, ~_blocked())
    return (await reader.execute(statement.order_by(waiting.c.seq).limit(1))).first()


def _blocked() -> Exists:
    before = waiting.alias()
    return exists().where(
        before.c.consumer == waiting.c.consumer,
        before.c.topic == waiting.c.topic,
        before.c.subject == waiting.c.subject,
        before.c.seq < waiting.c.seq,
    )


async def remove(work: Work, seq: int) -> bool:
    """Take a message out; say whether it was still there."""
    return bool(await work.affect(delete(waiting).where(waiting.c.seq == seq)))


async def wait_again(work: Work, seq: int, missing: NotYet) -> None:
    """Let a message that was ready wait for something else that is missing."""
    await work.execute(
        update(waiting)
        .where(waiting.c.seq == seq)
        .values(awaits_topic=missing.topic, awaits_key=missing.key)
    )


async def make_ready(work: Work, seq: int) -> None:
    """Let a message run as one whose time has come, whatever it waits for."""
    await work.execute(
        update(waiting).where(waiting.c.seq == seq).values(awaits_topic=None, awaits_key=None)
    )


def as_received(row: Row[Any]) -> Received:
    """Return the message that a waiting (or parked) row holds."""
    return read(row.topic, row.key, decode_headers(row.headers), row.body, row.message_id)
