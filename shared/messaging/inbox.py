"""The inbox: which messages a consumer has taken, written in the transaction of their effect."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import text

from shared.store.scheduler import utc_day
from shared.store.work import Work

_TAKE = {
    "sqlite": text(
        "INSERT INTO inbox (consumer, message_id, day)"
        " SELECT :consumer, value, :day FROM json_each(:ids) WHERE true"
        " ON CONFLICT DO NOTHING RETURNING message_id"
    ),
    "postgresql": text(
        "INSERT INTO inbox (consumer, message_id, day)"
        " SELECT :consumer, value, :day FROM json_array_elements_text(CAST(:ids AS json)),"
        " (SELECT pg_advisory_xact_lock_shared(hashtextextended(:consumer, 0))) AS among"
        " ON CONFLICT DO NOTHING RETURNING message_id"
    ),
}


async def take(work: Work, consumer: str, ids: Sequence[str]) -> set[str]:
    """Record the messages as taken by `consumer`; return those that were not taken before.

    Two processes that take the same message at once: the second waits for the first, and then
    gets nothing. It is one of many that take at the same time: see `waiting.alone`.
    """
    # In one order in every process, or two that take the same ones could wait for each other.
    values = {
        "consumer": consumer,
        "ids": json.dumps(sorted(ids)),
        "day": utc_day(datetime.now(UTC)),
    }
    rows = await work.execute(_TAKE[work.store.dialect], values)
    return set(rows.scalars())
