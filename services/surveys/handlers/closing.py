"""Closing a survey: the box is opened once, the gate lets out what may be said, the rest goes."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import delete, insert, select
from sqlmodel import col

from services.surveys.box import BallotBoxes, BoxDestroyed, BoxedWords
from services.surveys.handlers.openings import CLOSE
from services.surveys.models import Ballot, Quote, SealedWords, Survey, Tally, Words
from services.surveys.rules.problems import NothingHere
from services.surveys.rules.release import Release, release
from shared.contracts.surveys import RatingBar, ResultReleased, SurveyClosed
from shared.ids import random_id
from shared.store import Work
from shared.store.scheduler import Due
from shared.store.scrub import scrub_soon

DESTROY_BOX: Final = "destroy-box"
FORGET_WORDS: Final = "forget-words"
WORDS_ARE_KEPT: Final = timedelta(days=365)


@dataclass(frozen=True)
class CloseSurvey:
    """No answer is taken any more."""

    survey_id: str
    reason: Literal["by-time", "by-hand"]
    unchanged: Callable[[int], None] | None = None


async def close_survey(work: Work, command: CloseSurvey) -> Survey:
    """Close a survey and release its result; again changes nothing. Raises NothingHere.

    The histogram is seen here alone, on its way from the box to the gate.
    """
    survey = await work.get(Survey, command.survey_id, with_for_update=True)
    if survey is None:
        raise NothingHere("There is no such survey.")
    if command.unchanged is not None:
        command.unchanged(survey.revision)
    if survey.state != "open":
        return survey
    boxes = work.need(BallotBoxes)
    tally = (
        await work.scalars(select(Tally).where(col(Tally.survey_id) == survey.id).with_for_update())
    ).one()
    try:
        released = release(boxes.open_tally(tally.box, tally.sealed))
        words = await _words(work, boxes, tally)
    except BoxDestroyed:  # closed and told before; a copy of the store must not tell it again
        await _end(work, survey, "lost")
        return survey
    survey.rule = released.rule
    survey.result = asdict(released)
    await _end(work, survey, "closed")
    if released.rule != "too-few":  # words that nobody may read are not kept either
        await _lay_out(work, survey.id, words)
        await work.later(FORGET_WORDS, survey.id, work.now + WORDS_ARE_KEPT)
    await work.later(DESTROY_BOX, tally.box, work.now)
    _tell(work, survey, command.reason, released)
    return survey


async def close_due(work: Work, due: Due) -> None:
    """Close the survey whose time has come."""
    await close_survey(work, CloseSurvey(due.key, "by-time"))


async def destroy_box(work: Work, due: Due) -> None:
    """Destroy the key of a box that was opened: what its seal covers in any copy stays covered."""
    work.need(BallotBoxes).destroy(due.key)


async def forget_words(work: Work, due: Due) -> None:
    """Delete the words of a survey that nobody publishes, from the files too."""
    await scrub_soon(work)
    await work.execute(delete(Words).where(col(Words.survey_id) == due.key))
    proposed = delete(Quote).where(col(Quote.survey_id) == due.key, col(Quote.status) == "proposed")
    await work.execute(proposed)


async def _words(work: Work, boxes: BallotBoxes, tally: Tally) -> list[BoxedWords]:
    sealed = select(col(SealedWords.sealed)).where(col(SealedWords.survey_id) == tally.survey_id)
    return [boxes.open_words(tally.box, each) for each in (await work.scalars(sealed)).all()]


async def _end(work: Work, survey: Survey, state: str) -> None:
    survey.state = state
    survey.revision += 1
    work.add(survey)
    for table in (Ballot, SealedWords, Tally):
        await work.execute(delete(table).where(col(table.survey_id) == survey.id))
    await work.drop(CLOSE, survey.id)


async def _lay_out(work: Work, survey_id: str, words: list[BoxedWords]) -> None:
    """Keep the words readable, under new random keys and in their order."""
    keyed = sorted((random_id(), each) for each in words)
    kept = [
        {"id": key, "survey_id": survey_id, "text": each.text}
        for key, each in keyed
        if each.code_hash is None
    ]
    quotes = [
        {
            "id": key,
            "survey_id": survey_id,
            "status": "proposed",
            "text": each.text,
            "published": None,
            "names_event": True,
            "code_hash": each.code_hash,
            "revision": 1,
        }
        for key, each in keyed
        if each.code_hash is not None
    ]
    if kept:
        await work.execute(insert(Words), kept)
    if quotes:
        await work.execute(insert(Quote), quotes)


def _tell(
    work: Work, survey: Survey, reason: Literal["by-time", "by-hand"], released: Release
) -> None:
    closed = SurveyClosed(
        survey_id=survey.id, event_id=survey.event_id, year=survey.year, reason=reason
    )
    work.publish(closed, sequence=survey.revision)
    work.publish(
        ResultReleased(
            survey_id=survey.id,
            event_id=survey.event_id,
            year=survey.year,
            attended=survey.attended,
            rule=released.rule,
            answered=released.answered,
            mean=released.mean,
            at_least=released.at_least,
            at_most=released.at_most,
            bars=[RatingBar(**asdict(bar)) for bar in released.bars],
        ),
        sequence=survey.revision,
    )
