"""Quotes that nobody tells of any more: a withdrawal can be missed by whoever was away too long.

A compacted topic keeps a tombstone for a week after it was compacted. Whoever was away for longer,
or comes back from an older copy, hears neither the quote nor that it was withdrawn.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import select
from sqlmodel import col

from services.reporting.handlers.quotes import WithdrawQuote, withdraw_quote
from services.reporting.models import Quote
from shared.store import Store, Work
from shared.store.plumbing import due as later
from shared.store.scheduler import Due

UNTOLD: Final = "untold-quotes"
_KEY: Final = "quotes"
EVERY = timedelta(days=7)
"""No longer than a tombstone lives: whoever missed one finds this overdue when it is back."""

log = structlog.get_logger()


class QuotesTold:
    """Says the keys of the quotes that their topic still tells of; None where it never held any."""

    def __init__(self, ask: Callable[[], Awaitable[frozenset[bytes] | None]]) -> None:
        self.ask = ask


async def compare_quotes_later(work: Work) -> None:
    """Have the quotes compared with their topic in a week, and ever after."""
    planned = select(later.c.key).where(later.c.kind == UNTOLD, later.c.key == _KEY)
    if await work.scalar(planned) is None:
        await work.later(UNTOLD, _KEY, work.now + EVERY)


async def drop_untold_quotes(store: Store, due: Due) -> None:
    """Withdraw the quotes that stand here and are told of no more; puts itself off for a week.

    What stands here is read first: whatever comes after that is on the topic when it is read.
    """
    async with store.read() as reader:
        standing = set(await reader.scalars(select(col(Quote.quote_id)).where(_STANDS)))
    told = await store.need(QuotesTold).ask() if standing else None
    gone = set() if told is None else {each for each in standing if each.encode() not in told}
    async with store.work() as work:
        for quote_id in sorted(gone):
            await withdraw_quote(work, WithdrawQuote(quote_id))
        await work.later(due.kind, due.key, work.now + EVERY)
    if gone:
        log.warning("quotes.untold", service=store.service, withdrawn=len(gone))


_STANDS = col(Quote.text).is_not(None)
