"""Quotes: kept while they may be read; of a withdrawn one only its random id remains."""

from dataclasses import dataclass

from sqlalchemy import select, text
from sqlmodel import col

from services.reporting.handlers.amending import note_progress
from services.reporting.models import Quote
from shared.contracts.surveys import QuoteApproved
from shared.store import Work
from shared.store.scrub import scrub_soon

_KEEP = text(
    "INSERT INTO quote (quote_id, year, event_id, text, language)"
    " VALUES (:quote_id, :year, :event_id, :text, :language) ON CONFLICT (quote_id) DO NOTHING"
)
_WITHDRAW = text(
    "INSERT INTO quote (quote_id) VALUES (:quote_id) ON CONFLICT (quote_id)"
    " DO UPDATE SET year = NULL, event_id = NULL, text = NULL, language = NULL"
)


@dataclass(frozen=True, slots=True)
class KeepQuote:
    """Keep words that were approved."""

    quote: QuoteApproved


async def keep_quote(work: Work, command: KeepQuote) -> None:
    """Keep a quote, once however often it comes, and never after it was withdrawn."""
    quote = command.quote
    values = {
        "quote_id": quote.quote_id,
        "year": quote.year,
        "event_id": quote.event_id,
        "text": quote.text,
        "language": quote.language,
    }
    await work.execute(_KEEP, values)
    note_progress(work)


@dataclass(frozen=True, slots=True)
class WithdrawQuote:
    """Forget the words of a quote for good."""

    quote_id: str


async def withdraw_quote(work: Work, command: WithdrawQuote) -> None:
    """Wipe a quote, known or not, and have its words leave the store's files too."""
    known = select(col(Quote.text)).where(col(Quote.quote_id) == command.quote_id)
    had_words = await work.scalar(known) is not None
    await work.execute(_WITHDRAW, {"quote_id": command.quote_id})
    note_progress(work)
    if had_words:
        await scrub_soon(work)
