"""What reporting hears: what figures rest on, quotes, and its own word on closed years."""

from services.reporting.handlers import (
    KeepClosing,
    KeepFact,
    KeepQuote,
    KeepVersion,
    WithdrawQuote,
    compare_quotes_later,
    keep_closing,
    keep_fact,
    keep_quote,
    keep_version,
    withdraw_quote,
)
from services.reporting.rules import HEARD, fact_of
from shared.contracts.message import Message
from shared.contracts.reporting import Figure, FigureAmended, FigurePublished, YearClosed
from shared.contracts.surveys import QuoteApproved, QuoteWithdrawn
from shared.messaging.subscription import projects, received
from shared.store import Work

figures = projects(service="reporting", purpose="figures")


@figures.on(*HEARD)
async def keep_what_happened(work: Work, message: Message) -> None:
    """Keep a message as a fact; it waits for nothing, since facts are joined when they are read."""
    await keep_fact(work, KeepFact(fact_of(message, received())))


@figures.on(QuoteApproved)
async def keep_words(work: Work, message: QuoteApproved) -> None:
    """Keep a quote that may be read."""
    await keep_quote(work, KeepQuote(message))
    await compare_quotes_later(work)


@figures.on(QuoteWithdrawn)
async def wipe_words(work: Work, message: QuoteWithdrawn) -> None:
    """Wipe a quote that was taken back."""
    await withdraw_quote(work, WithdrawQuote(message.quote_id))


@figures.on(YearClosed)
async def know_closing(work: Work, message: YearClosed) -> None:
    """Know a year closed, also in a store that is rebuilt."""
    await keep_closing(work, KeepClosing(message.year, received().time))


@figures.on(FigurePublished, FigureAmended)
async def know_version(work: Work, message: Figure) -> None:
    """Know a published version of a figure, also in a store that is rebuilt."""
    await keep_version(work, KeepVersion(message, received().time))
