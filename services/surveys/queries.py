"""What is read of surveys: never a count that the release gate did not let out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, select
from sqlmodel import col

from services.surveys.models import KnownEvent, Quote, Survey, Words
from services.surveys.rules.problems import NothingHere, ResultGone, SurveyOpen, TooFewAnswers
from services.surveys.rules.question import QUESTIONS
from services.surveys.rules.quotes import flags
from shared.http.paging import Paging, keyset
from shared.store import Reader, Work

_TOLD = ("band", "bound", "mean")


@dataclass(frozen=True)
class SurveyView:
    """A survey as everybody sees it; no count."""

    id: str
    event_id: str
    event_titles: dict[str, str] | None
    format: str | None
    local_date: date | None
    year: int
    status: str
    closes_at: datetime
    question: str
    question_texts: dict[str, str]
    revision: int


@dataclass(frozen=True)
class ResultView:
    """What the release gate let out of a closed survey."""

    survey_id: str
    event_id: str
    year: int
    attended: int
    rule: str
    answered: int | None
    mean: str | None
    at_least: str | None
    at_most: str | None
    bars: list[dict[str, int]]
    revision: int


@dataclass(frozen=True)
class QuoteView:
    """A quote as those see it who approve it."""

    id: str
    status: str
    text: str | None
    published: str | None
    names_event: bool
    flags: list[str]
    survey_id: str
    event_id: str
    event_titles: dict[str, str] | None
    year: int
    revision: int


def released(survey: Survey) -> bool:
    """Say whether enough people answered for anything of the survey to be seen."""
    return survey.rule in _TOLD


def survey_view(survey: Survey, event: KnownEvent | None) -> SurveyView:
    """Return what everybody sees of a survey."""
    return SurveyView(
        id=survey.id,
        event_id=survey.event_id,
        event_titles=event.titles if event else None,
        format=event.format if event else None,
        local_date=event.local_date if event else None,
        year=survey.year,
        status="open" if survey.state == "open" else "closed",
        closes_at=survey.closes_at,
        question=survey.question,
        question_texts=QUESTIONS[survey.question],
        revision=survey.revision,
    )


async def view_of(work: Work, survey: Survey) -> SurveyView:
    """Return what everybody sees of a survey that was just changed."""
    return survey_view(survey, await work.get(KnownEvent, survey.event_id))


async def surveys(
    reader: Reader, paging: Paging, event_id: str | None
) -> tuple[list[SurveyView], str | None]:
    """Return a page of the surveys, those that close last first."""
    statement = _surveys()
    if event_id is not None:
        statement = statement.where(col(Survey.event_id) == event_id)
    rows, following = await keyset(
        reader,
        statement,
        [col(Survey.closes_at), col(Survey.id)],
        limit=paging.limit,
        cursor=paging.cursor,
        descending=True,
    )
    return [survey_view(*row) for row in rows], following


async def one_survey(reader: Reader, survey_id: str) -> SurveyView:
    """Return a survey; raise NothingHere."""
    row = (await reader.execute(_surveys().where(col(Survey.id) == survey_id))).one_or_none()
    if row is None:
        raise NothingHere("There is no such survey.")
    return survey_view(*row)


async def result(reader: Reader, survey_id: str) -> ResultView:
    """Return what was released; raise NothingHere, SurveyOpen, TooFewAnswers or ResultGone."""
    survey = await _closed(reader, survey_id)
    return ResultView(
        survey_id=survey.id,
        event_id=survey.event_id,
        year=survey.year,
        attended=survey.attended,
        revision=survey.revision,
        **(survey.result or {}),
    )


async def words(
    reader: Reader, paging: Paging, survey_id: str
) -> tuple[Sequence[Words], str | None]:
    """Return a page of the words that were written for the house, in random order.

    Raises NothingHere, SurveyOpen, TooFewAnswers or ResultGone.
    """
    await _closed(reader, survey_id)
    statement = select(Words).where(col(Words.survey_id) == survey_id)
    return await keyset(
        reader, statement, [col(Words.id)], limit=paging.limit, cursor=paging.cursor
    )


async def quotes(
    reader: Reader, paging: Paging, status: str | None
) -> tuple[list[QuoteView], str | None]:
    """Return a page of the quotes, in random order; none of a survey with too few answers."""
    statement = _quotes()
    if status is not None:
        statement = statement.where(col(Quote.status) == status)
    rows, following = await keyset(
        reader, statement, [col(Quote.id)], limit=paging.limit, cursor=paging.cursor
    )
    return [_quote_view(*row) for row in rows], following


async def one_quote(reader: Reader, quote_id: str) -> QuoteView:
    """Return a quote; raise NothingHere, also where too few answered."""
    row = (await reader.execute(_quotes().where(col(Quote.id) == quote_id))).one_or_none()
    if row is None:
        raise NothingHere("There is no such quote.")
    return _quote_view(*row)


async def quote_view(work: Work, quote: Quote, survey: Survey) -> QuoteView:
    """Return a quote that was just changed."""
    return _quote_view(quote, survey, await work.get(KnownEvent, survey.event_id))


async def _closed(reader: Reader, survey_id: str) -> Survey:
    survey = await reader.get(Survey, survey_id)
    if survey is None:
        raise NothingHere("There is no such survey.")
    if survey.state == "open":
        raise SurveyOpen("Come back when it is closed.", closes_at=_utc(survey.closes_at))
    if survey.state == "lost":
        raise ResultGone("What was released stands in the report.")
    if not released(survey):
        raise TooFewAnswers("Fewer than five people answered.")
    return survey


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _surveys() -> Any:
    return select(Survey, KnownEvent).outerjoin(
        KnownEvent, col(KnownEvent.id) == col(Survey.event_id)
    )


def _quotes() -> Any:
    return (
        select(Quote, Survey, KnownEvent)
        .join(Survey, and_(col(Survey.id) == col(Quote.survey_id), col(Survey.rule).in_(_TOLD)))
        .outerjoin(KnownEvent, col(KnownEvent.id) == col(Survey.event_id))
    )


def _quote_view(quote: Quote, survey: Survey, event: KnownEvent | None) -> QuoteView:
    return QuoteView(
        id=quote.id,
        status=quote.status,
        text=quote.text,
        published=quote.published,
        names_event=quote.names_event,
        flags=flags(quote.text or ""),
        survey_id=survey.id,
        event_id=survey.event_id,
        event_titles=event.titles if event else None,
        year=survey.year,
        revision=quote.revision,
    )
