"""Quotes: approved by a person, taken back by whoever wrote them."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlmodel import col

from services.surveys.models import Quote, SealedWords, Survey, Tally
from services.surveys.queries import QuoteView, quote_view, released
from services.surveys.rules.ballots import code_hash
from services.surveys.rules.problems import CodeUnknown, NothingHere, QuoteIsWithdrawn
from services.surveys.rules.quotes import cut
from shared.contracts.surveys import QuoteApproved, QuoteWithdrawn
from shared.store import Work
from shared.store.scrub import scrub_soon


@dataclass(frozen=True)
class ApproveQuote:
    """A person of the house lets others read a quote: whole or cut, with its event or without."""

    quote_id: str
    text: str | None
    names_event: bool = True
    unchanged: Callable[[int], None] | None = None


async def approve_quote(work: Work, command: ApproveQuote) -> QuoteView:
    """Publish a quote, or another cut of one that is published.

    Raises NothingHere, QuoteIsWithdrawn, Reworded or TooLongToQuote.
    """
    quote = await work.get(Quote, command.quote_id, with_for_update=True)
    survey = await work.get(Survey, quote.survey_id) if quote else None
    if quote is None or survey is None or not released(survey):
        raise NothingHere("There is no such quote.")
    if command.unchanged is not None:
        command.unchanged(quote.revision)
    if quote.text is None:
        raise QuoteIsWithdrawn("Its words are gone.")
    text = cut(quote.text, quote.text if command.text is None else command.text)
    wanted = ("approved", text, command.names_event)
    if (quote.status, quote.published, quote.names_event) != wanted:
        quote.status, quote.published, quote.names_event = wanted
        quote.revision += 1
        work.add(quote)
        work.publish(
            QuoteApproved(
                quote_id=quote.id,
                year=survey.year,
                event_id=survey.event_id if quote.names_event else None,
                text=text,
            ),
            sequence=quote.revision,
        )
    return await quote_view(work, quote, survey)


@dataclass(frozen=True)
class WithdrawQuote:
    """Whoever has the receipt code takes the words back."""

    code: str


async def withdraw_quote(work: Work, command: WithdrawQuote) -> None:
    """Delete the words, wherever they are by now; again changes nothing. Raises CodeUnknown.

    What could be read leaves the store's files too; in the box, sealed, it ends with the box.
    """
    if await _taken_from_box(work, code_hash(command.code, "box")):
        return
    this = col(Quote.code_hash) == code_hash(command.code, "shelf")
    quote = await work.scalar(select(Quote).where(this).with_for_update())
    if quote is None:
        raise CodeUnknown("No quote has this code.")
    if quote.status == "withdrawn":
        return
    if quote.status == "approved":
        work.publish(QuoteWithdrawn(quote_id=quote.id), sequence=quote.revision + 1)
    quote.status, quote.text, quote.published = "withdrawn", None, None
    quote.revision += 1
    work.add(quote)
    await scrub_soon(work)


async def _taken_from_box(work: Work, key: str) -> bool:
    """Delete words of an open survey, in line with its answers and its close."""
    survey_id = await work.scalar(
        select(col(SealedWords.survey_id)).where(col(SealedWords.key) == key)
    )
    if survey_id is None:
        return False
    await work.scalar(select(Tally).where(col(Tally.survey_id) == survey_id).with_for_update())
    return bool(await work.affect(delete(SealedWords).where(col(SealedWords.key) == key)))
