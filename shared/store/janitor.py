"""Rows die on time: what the plumbing tables no longer need is deleted by age (system time)."""

from datetime import datetime, timedelta

from sqlalchemy import delete

from shared.store.plumbing import idempotency, inbox, outbox
from shared.store.scheduler import utc_day
from shared.store.store import Store

SENT_KEPT = timedelta(hours=1)
ANSWERS_KEPT = timedelta(hours=24)
INBOX_KEPT = timedelta(days=14)
"""Longer than any bus repeats a message by itself; what guards an act lives with its effect."""


async def clean(store: Store, now: datetime) -> None:
    """Delete sent outbox rows, idempotency answers and inbox rows past their time."""
    for statement in (
        delete(outbox).where(outbox.c.sent_at < now - SENT_KEPT),
        delete(idempotency).where(idempotency.c.at < now - ANSWERS_KEPT),
        delete(inbox).where(inbox.c.day < utc_day(now - INBOX_KEPT)),
    ):
        async with store.work() as work:
            await work.execute(statement)
