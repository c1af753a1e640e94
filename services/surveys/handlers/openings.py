"""Opening a survey: its secrets are made, kept as hashes, sealed for notifications, forgotten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import insert, select
from sqlmodel import col

from services.surveys.box import BallotBoxes, BoxDestroyed
from services.surveys.models import Ballot, KnownEvent, Survey, Tally
from services.surveys.rules.ballots import Purpose, ballot_hash, derived, new_secret
from services.surveys.rules.question import EXPECTATIONS
from services.surveys.rules.release import RATINGS
from shared.contracts.surveys import Ballots, BallotsMade, SurveyOpened
from shared.ids import random_id
from shared.security.sealing import Sealer
from shared.store import Work

CLOSE: Final = "close-survey"
OPEN_FOR: Final = timedelta(days=14)
IN_A_MESSAGE: Final = 180
"""Ballots sealed together: some 15 KB, of the 16 KB that can be sealed."""
MOST_BALLOTS: Final = 20_000
"""Ballots of one survey; a head count beyond it is no gathering that answers by mail."""


@dataclass(frozen=True)
class OpenSurvey:
    """The attendance of an event was closed, with so many people."""

    event_id: str
    year: int
    attended: int


async def open_survey(work: Work, command: OpenSurvey) -> None:
    """Open the survey of an event, once; one that nobody attended or that was cancelled has none.

    Nor has one whose box was destroyed: it was asked about before this store was restored.
    Nothing that is kept or published tells the order in which the secrets were made.
    """
    known = await work.get(KnownEvent, command.event_id)
    is_there = select(col(Survey.id)).where(col(Survey.event_id) == command.event_id)
    if not command.attended or (known and known.cancelled) or await work.scalar(is_there):
        return
    try:
        empty = work.need(BallotBoxes).seal_tally(command.event_id, [0] * len(RATINGS))
    except BoxDestroyed:
        return
    survey = Survey(
        id=random_id(),
        event_id=command.event_id,
        year=command.year,
        attended=command.attended,
        question=EXPECTATIONS,
        closes_at=work.now + OPEN_FOR,
        state="open",
        rule=None,
        result=None,
        revision=1,
    )
    work.add(survey)
    box = survey.event_id
    work.add(Tally(survey_id=survey.id, question=survey.question, box=box, sealed=empty))
    secrets = [new_secret() for _ in range(min(command.attended, MOST_BALLOTS))]
    await _keep_ballots(work, survey.id, secrets)
    _hand_over(work, survey, secrets)
    work.publish(
        SurveyOpened(
            survey_id=survey.id,
            event_id=survey.event_id,
            year=survey.year,
            attended=survey.attended,
            question=survey.question,
            closes_at=survey.closes_at,
        ),
        sequence=survey.revision,
    )
    await work.later(CLOSE, survey.id, survey.closes_at)


async def _keep_ballots(work: Work, survey_id: str, secrets: Sequence[str]) -> None:
    """Keep two lists of hashes, each in the order of its hashes: no place is that of another."""
    purposes: tuple[Purpose, ...] = ("rating", "words")
    for purpose in purposes:
        hashes = sorted(ballot_hash(derived(secret, purpose)) for secret in secrets)
        await work.execute(
            insert(Ballot),
            [
                {"hash": each, "survey_id": survey_id, "purpose": purpose, "spent": False}
                for each in hashes
            ],
        )


def _hand_over(work: Work, survey: Survey, secrets: Sequence[str]) -> None:
    parts = list(_parts(secrets))
    for number, part in enumerate(parts, start=1):
        ballots = Ballots(tokens=[f"{survey.id}.{secret}" for secret in part])
        work.publish(
            BallotsMade(
                survey_id=survey.id,
                event_id=survey.event_id,
                closes_at=survey.closes_at,
                part=number,
                parts=len(parts),
                sealed=work.need(Sealer).seal(ballots.encode()),
            )
        )


def _parts(secrets: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(secrets), IN_A_MESSAGE):
        yield secrets[start : start + IN_A_MESSAGE]
