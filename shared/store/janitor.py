"""Rows die on time: what the plumbing tables no longer need is deleted by age (system time)."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from shared.store.plumbing import idempotency, inbox, outbox
from shared.store.scheduler import utc_day
from shared.store.scrub import cut_journal
from shared.store.store import Store

SENT_KEPT = timedelta(hours=1)
ANSWERS_KEPT = timedelta(hours=24)
INBOX_KEPT = timedelta(days=14)
"""Longer than any bus repeats a message by itself; what guards an act lives with its effect."""


AT_ONCE = 1_000


async def clean(store: Store, now: datetime) -> None:
    """Delete sent outbox rows, idempotency answers and inbox rows past their time.

    Then cut the journal, so that nothing that was deleted, by whomever, can be read there.
    """
    while await _clean_outbox(store, now - SENT_KEPT) == AT_ONCE:
        pass
    for statement in (
        delete(idempotency).where(idempotency.c.at < now - ANSWERS_KEPT),
        delete(inbox).where(inbox.c.day < utc_day(now - INBOX_KEPT)),
    ):
        async with store.work() as work:
            await work.execute(statement)
    await cut_journal(store)


async def _clean_outbox(store: Store, before: datetime) -> int:
    """Delete up to AT_ONCE sent rows; they are the oldest, so nothing else is looked at."""
    oldest = select(outbox.c.seq, outbox.c.sent_at).order_by(outbox.c.seq).limit(AT_ONCE).subquery()
    old = select(oldest.c.seq).where(oldest.c.sent_at < before)
    async with store.work() as work:
        return await work.affect(delete(outbox).where(outbox.c.seq.in_(old)))
