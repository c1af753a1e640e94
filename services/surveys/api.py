"""Surveys' routes: answers and words, results, quotes.

Answers, words and withdrawals are on a router of their own: no Idempotency-Key is kept there, and
the request's log line tells neither its id nor its trace.
"""

from typing import Annotated

from fastapi import Depends, Query, Response

from services.surveys import queries
from services.surveys.handlers.answers import Answer, Write, answer, write
from services.surveys.handlers.closing import CloseSurvey, close_survey
from services.surveys.handlers.quotes import (
    ApproveQuote,
    WithdrawQuote,
    approve_quote,
    withdraw_quote,
)
from services.surveys.queries import SurveyView
from services.surveys.schemas import (
    AnswerIn,
    ApprovalIn,
    QuestionOut,
    QuoteOut,
    QuoteStatus,
    ResultOut,
    SurveyOut,
    WithdrawalIn,
    WordsIn,
    WordsOut,
)
from shared.http.body import Id
from shared.http.etag import IfMatchDep, set_etag
from shared.http.paging import Page, PagingDep
from shared.http.work import ReaderDep, WorkDep, api_router
from shared.security.permissions import require
from shared.security.principal import Principal

router = api_router("surveys")
ballots = api_router("surveys", idempotent=False)

Admin = Annotated[Principal, Depends(require("surveys:admin"))]


@ballots.post("/v1/surveys/{survey_id}/answers", status_code=204)
async def create_survey_answer(survey_id: Id, body: AnswerIn, work: WorkDep) -> None:
    """Rate an event with a ballot, once."""
    await answer(work, Answer(survey_id, body.ballot, body.rating))


@ballots.post(
    "/v1/surveys/{survey_id}/words",
    status_code=204,
    responses={204: {"headers": {"Withdrawal-Code": {"schema": {"type": "string"}}}}},
)
async def create_survey_words(survey_id: Id, body: WordsIn, work: WorkDep) -> Response:
    """Say it in words with a ballot, once.

    Words that may be quoted get a receipt code in the header Withdrawal-Code: shown once.
    """
    code = await write(work, Write(survey_id, body.ballot, body.text, body.may_quote))
    return Response(status_code=204, headers={"Withdrawal-Code": code} if code else {})


@ballots.post("/v1/quote-withdrawals", status_code=204)
async def create_quote_withdrawal(body: WithdrawalIn, work: WorkDep) -> None:
    """Take words back that may be quoted, at any time, without saying who one is."""
    await withdraw_quote(work, WithdrawQuote(body.code))


@router.get("/v1/surveys")
async def list_surveys(
    reader: ReaderDep, paging: PagingDep, event_id: Annotated[Id | None, Query()] = None
) -> Page[SurveyOut]:
    """List the surveys, those that close last first."""
    rows, following = await queries.surveys(reader, paging, event_id)
    return paging.page([_shown(each) for each in rows], following)


@router.get("/v1/surveys/{survey_id}")
async def get_survey(survey_id: Id, reader: ReaderDep, response: Response) -> SurveyOut:
    """Show a survey: its question, and whether it is open."""
    view = await queries.one_survey(reader, survey_id)
    set_etag(response, view.revision)
    return _shown(view)


@router.get("/v1/surveys/{survey_id}/result")
async def get_survey_result(survey_id: Id, reader: ReaderDep, response: Response) -> ResultOut:
    """Show what may be said of a survey, once it is closed."""
    view = await queries.result(reader, survey_id)
    set_etag(response, view.revision)
    return ResultOut.model_validate(view)


@router.post("/v1/surveys/{survey_id}/closing")
async def create_survey_closing(
    survey_id: Id, work: WorkDep, response: Response, caller: Admin, if_match: IfMatchDep
) -> SurveyOut:
    """Close a survey before its time and release its result; again changes nothing."""
    survey = await close_survey(work, CloseSurvey(survey_id, "by-hand", if_match.check))
    view = await queries.view_of(work, survey)
    set_etag(response, view.revision)
    return _shown(view)


@router.get("/v1/surveys/{survey_id}/words")
async def list_survey_words(
    survey_id: Id, reader: ReaderDep, paging: PagingDep, caller: Admin
) -> Page[WordsOut]:
    """List what was written for the house alone, in random order, once the survey is closed."""
    rows, following = await queries.words(reader, paging, survey_id)
    return paging.page([WordsOut.model_validate(each) for each in rows], following)


@router.get("/v1/quotes")
async def list_quotes(
    reader: ReaderDep,
    paging: PagingDep,
    caller: Admin,
    status: Annotated[QuoteStatus | None, Query()] = None,
) -> Page[QuoteOut]:
    """List the quotes of closed surveys, in random order."""
    rows, following = await queries.quotes(reader, paging, status)
    return paging.page([QuoteOut.model_validate(each) for each in rows], following)


@router.get("/v1/quotes/{quote_id}")
async def get_quote(quote_id: Id, reader: ReaderDep, response: Response, caller: Admin) -> QuoteOut:
    """Show a quote."""
    view = await queries.one_quote(reader, quote_id)
    set_etag(response, view.revision)
    return QuoteOut.model_validate(view)


@router.post("/v1/quotes/{quote_id}/approval")
async def create_quote_approval(
    quote_id: Id,
    work: WorkDep,
    response: Response,
    caller: Admin,
    if_match: IfMatchDep,
    body: ApprovalIn | None = None,
) -> QuoteOut:
    """Let others read a quote, whole or cut; again with another cut replaces it."""
    wish = body or ApprovalIn()
    command = ApproveQuote(quote_id, wish.text, wish.names_event, if_match.check)
    view = await approve_quote(work, command)
    set_etag(response, view.revision)
    return QuoteOut.model_validate(view)


def _shown(view: SurveyView) -> SurveyOut:
    return SurveyOut(
        id=view.id,
        event_id=view.event_id,
        event_titles=view.event_titles,
        format=view.format,
        local_date=view.local_date,
        year=view.year,
        status="open" if view.status == "open" else "closed",
        closes_at=view.closes_at,
        question=QuestionOut(key=view.question, texts=view.question_texts),
    )
