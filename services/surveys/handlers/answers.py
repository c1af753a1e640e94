"""Answering: a ballot is spent and its answer goes into the box, in one transaction.

The tally's row is locked first, so that answers of one survey and its close follow one another.
"""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlmodel import col

from services.surveys.box import BallotBoxes, BoxDestroyed, BoxedWords
from services.surveys.models import Ballot, SealedWords, Survey, Tally
from services.surveys.rules.ballots import Purpose, code_hash, hashes_of, new_code
from services.surveys.rules.problems import BallotSpent, BallotUnknown, NothingHere, SurveyClosed
from shared.store import Work


@dataclass(frozen=True)
class Answer:
    """Somebody rates the event, from 1 to 5."""

    survey_id: str
    ballot: str
    rating: int


async def answer(work: Work, command: Answer) -> None:
    """Count the rating once.

    Raises BallotUnknown, BallotSpent, SurveyClosed, or NothingHere for no survey.
    """
    tally, histogram = await _open_box(work, command.survey_id)
    await _spend(work, command.survey_id, command.ballot, "rating")
    histogram[command.rating - 1] += 1
    tally.sealed = work.need(BallotBoxes).seal_tally(tally.box, histogram)
    work.add(tally)


@dataclass(frozen=True)
class Write:
    """Somebody says it in words, and whether others may read them."""

    survey_id: str
    ballot: str
    text: str
    may_quote: bool


async def write(work: Work, command: Write) -> str | None:
    """Put the words into the box; return the receipt code where they may be quoted.

    Raises BallotUnknown, BallotSpent, SurveyClosed, or NothingHere for no survey.
    """
    tally, _ = await _open_box(work, command.survey_id)
    await _spend(work, command.survey_id, command.ballot, "words")
    code = new_code()  # its hash is a random key for words that are not quoted, too
    words = BoxedWords(command.text, code_hash(code, "shelf") if command.may_quote else None)
    work.add(
        SealedWords(
            key=code_hash(code, "box"),
            survey_id=command.survey_id,
            sealed=work.need(BallotBoxes).seal_words(tally.box, words),
        )
    )
    return code if command.may_quote else None


async def _open_box(work: Work, survey_id: str) -> tuple[Tally, list[int]]:
    """Return the tally's row, locked, and what it holds."""
    locked = select(Tally).where(col(Tally.survey_id) == survey_id).with_for_update()
    tally: Tally | None = await work.scalar(locked)
    closes_at = await work.scalar(select(col(Survey.closes_at)).where(col(Survey.id) == survey_id))
    if closes_at is None:
        raise NothingHere("There is no such survey.")
    if tally is None or closes_at <= work.now:
        raise SurveyClosed("No answer is taken any more.")
    try:
        return tally, work.need(BallotBoxes).open_tally(tally.box, tally.sealed)
    except BoxDestroyed:
        raise SurveyClosed("Its box was destroyed; no answer can be kept.") from None


async def _spend(work: Work, survey_id: str, given: str, purpose: Purpose) -> None:
    """Spend the ballot; of two who spend it at once, the second finds it spent."""
    this = (
        col(Ballot.hash).in_(hashes_of(given, purpose, survey_id)),
        col(Ballot.survey_id) == survey_id,
        col(Ballot.purpose) == purpose,
    )
    if await work.affect(update(Ballot).where(*this, ~col(Ballot.spent)).values(spent=True)):
        return
    if await work.scalar(select(col(Ballot.hash)).where(*this)) is None:
        raise BallotUnknown("This survey has no such ballot.")
    raise BallotSpent("It counts once, and was used already.")
