"""Ballots: taken from surveys, handed to those who came, at random, and forgotten as they go.

Who got which is known for as long as a letter waits to be sent, inside the letter alone.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from sqlalchemy import delete, select
from sqlmodel import col

from services.notifications.handlers.contacts import need_contact_for
from services.notifications.handlers.deliveries import withdraw_letters_of
from services.notifications.handlers.letters import SendLetter, is_unwanted, send_letter
from services.notifications.installation import Installation
from services.notifications.letter import Letter
from services.notifications.models import (
    Attendance,
    Ballot,
    ClosedAttendance,
    Contact,
    KnownEvent,
    Survey,
)
from services.notifications.rules import INVITATION, in_language, letter_language, reminder_at
from services.notifications.writing.safe import Safe
from shared.http.problems import NotFound
from shared.ids import random_id
from shared.problem import Problem
from shared.store import Work, scrub
from shared.store.scheduler import Due

AT_ONCE = 200
ASK_AGAIN = timedelta(minutes=10)
SENT_BY_THEN = timedelta(hours=1)
"""When invitations are sent as a rule, what is wiped of them leaves the files of the store too."""
_RANDOM: Final = secrets.SystemRandom()


class SurveyIsClosed(Problem):
    """The survey is closed

    Its ballots are gone, and no answer is taken any more.
    """

    slug: ClassVar[str] = "survey-closed"


class TooFewBallots(Problem):
    """There are not so many ballots left

    As many were made as people came; most of them went out by mail. `left` says how many remain.
    """


class NotHandedOut(Problem):
    """The ballots of this survey are not handed out yet

    What nobody was mailed is known once the invitations are written; ask again in a moment.
    """


@dataclass(frozen=True)
class TakeBallots:
    """Ballots of a survey came: part `part` of `parts`, by the message `message_id`."""

    survey_id: str
    event_id: str
    message_id: str
    opened_at: datetime
    closes_at: datetime
    part: int
    parts: int
    tokens: Sequence[str]


async def take_ballots(work: Work, command: TakeBallots) -> None:
    """Keep ballots until they are handed out; a part that came before brings none."""
    survey = await _locked(work, command.survey_id)
    if survey is None:
        survey = Survey(survey_id=command.survey_id, event_id=command.event_id, heard=[])
    if survey.is_closed or command.part in survey.heard or command.closes_at <= work.now:
        return
    survey.message_id = survey.message_id or command.message_id
    survey.opened_at = survey.opened_at or command.opened_at
    survey.closes_at = command.closes_at
    survey.parts = command.parts
    survey.heard = [*survey.heard, command.part]
    work.add(survey)
    safe = work.need(Safe)
    ballots = [
        Ballot(key=random_id(), survey_id=command.survey_id, locked=safe.lock(token))
        for token in command.tokens
    ]
    ballots.sort(key=lambda each: each.key)
    work.add_all(ballots)
    await work.flush()
    await work.later("end-survey", command.survey_id, command.closes_at)
    await hand_out_soon(work, command.survey_id)


async def hand_out_soon(work: Work, survey_id: str) -> None:
    """Have the ballots of a survey handed out to whoever has none yet."""
    await work.later("hand-out", survey_id, work.now)


async def hand_out(work: Work, due: Due) -> None:
    """Write one invitation to everybody who came, has a contact and was not invited, at random.

    Nothing happens before all ballots and the last word about the event are here. Deliveries have
    random ids and are written in their order: no order in the store tells one of tokens.
    """
    survey = await _locked(work, due.key)
    if survey is None or not await _is_ready(work, survey):
        return
    assert survey.closes_at is not None
    event = await work.get(KnownEvent, survey.event_id)
    if event is None:
        await work.later("hand-out", survey.survey_id, work.now + ASK_AGAIN)
        return
    people = await _uninvited(work, survey.event_id)
    ballots = list(
        (await work.scalars(select(Ballot).where(col(Ballot.survey_id) == due.key))).all()
    )
    turn = _RANDOM.sample(people, min(AT_ONCE, len(people), len(ballots)))
    drawn = _RANDOM.sample(ballots, len(turn))
    survey.is_handed_out = True
    remind_at = reminder_at(survey.opened_at or work.now, survey.closes_at)
    if turn and remind_at > work.now:
        await work.later("remind", survey.survey_id, remind_at)
    if turn:
        await work.later(scrub.KIND, survey.survey_id, work.now + SENT_BY_THEN)
    letters = []
    for (attendance, contact), ballot in zip(turn, drawn, strict=True):
        attendance.invited = True
        letters.append(_invitation(work, survey, event, contact, ballot))
        await work.delete(ballot)
        await need_contact_for(work, contact, remind_at)
    for letter in sorted(letters, key=lambda each: each.delivery_id):
        await send_letter(work, letter)
    if len(people) > len(turn) and len(ballots) > len(drawn):
        await hand_out_soon(work, survey.survey_id)
    elif work.now < (survey.opened_at or work.now) + ASK_AGAIN:  # a contact may be on its way
        await work.later("hand-out", survey.survey_id, work.now + ASK_AGAIN)


async def remind(work: Work, due: Due) -> None:
    """Remind everybody who was invited, once, so many at a time: nobody knows who has answered."""
    survey, after = await _locked(work, due.key), due.data.get("after", "")
    if survey is None or survey.is_closed or (survey.is_reminded and not after):
        return
    survey.is_reminded = True
    event = await work.get_one(KnownEvent, survey.event_id)
    people = await _invited(work, survey.event_id, after)
    letters = [
        _letter(work, survey, event, contact, "survey-reminder")
        for contact in people
        if not await is_unwanted(work, contact.email or "", "survey-reminder")
    ]
    for letter in sorted(letters, key=lambda each: each.delivery_id):
        await send_letter(work, letter)
    if len(people) == AT_ONCE:
        await work.later(due.kind, due.key, work.now, {"after": people[-1].id})


@dataclass(frozen=True)
class EndSurvey:
    """No answer is taken any more."""

    survey_id: str
    event_id: str


async def end_survey(work: Work, command: EndSurvey) -> None:
    """Wipe what is left of a survey's ballots, and forget who came; no reminder is written."""
    survey = await _locked(work, command.survey_id)
    if survey is None:
        survey = Survey(survey_id=command.survey_id, event_id=command.event_id, heard=[])
        work.add(survey)
    survey.is_closed = True
    await work.flush()
    await work.execute(delete(Ballot).where(col(Ballot.survey_id) == command.survey_id))
    if survey.message_id is not None:
        await withdraw_letters_of(work, survey.message_id)
    await work.execute(delete(Attendance).where(col(Attendance.event_id) == survey.event_id))
    for kind in ("remind", "hand-out", "end-survey"):
        await work.drop(kind, command.survey_id)
    await work.later(scrub.KIND, command.survey_id, work.now)


async def end_survey_in_time(work: Work, due: Due) -> None:
    """End a survey at the time at which it closes by itself."""
    survey = await work.get(Survey, due.key)
    if survey is not None and not survey.is_closed:
        await end_survey(work, EndSurvey(survey.survey_id, survey.event_id))


@dataclass(frozen=True)
class DrawSheets:
    """Ballots for paper and walk-ins are wanted."""

    survey_id: str
    count: int
    language: str


async def draw_sheets(work: Work, command: DrawSheets) -> list[str]:
    """Return the links of ballots that nobody was mailed, each for the only time.

    Raises NotFound, SurveyIsClosed, NotHandedOut or TooFewBallots.
    """
    survey = await _locked(work, command.survey_id)
    if survey is None:
        raise NotFound("There is no such survey.")
    if survey.is_closed or survey.closes_at is None or survey.closes_at <= work.now:
        raise SurveyIsClosed("Its time is over.")
    if not survey.is_handed_out:
        raise NotHandedOut("The invitations are not written yet.")
    of_survey = select(Ballot).where(col(Ballot.survey_id) == command.survey_id)
    ballots = (await work.scalars(of_survey)).all()
    if len(ballots) < command.count:
        raise TooFewBallots(f"{len(ballots)} are left.", left=len(ballots))
    drawn = _RANDOM.sample(ballots, command.count)
    for ballot in drawn:
        await work.delete(ballot)
    safe, house = work.need(Safe), work.need(Installation)
    return [house.ballot_link(command.language, safe.unlock(each.locked)) for each in drawn]


async def _is_ready(work: Work, survey: Survey) -> bool:
    if survey.is_closed or survey.closes_at is None or survey.closes_at <= work.now:
        return False
    if len(survey.heard) < survey.parts:
        return False
    return await work.get(ClosedAttendance, survey.event_id) is not None


async def _uninvited(work: Work, event_id: str) -> list[tuple[Attendance, Contact]]:
    """Return who came, can be written to and has no invitation yet, without who wants none."""
    statement = (
        select(Attendance, Contact)
        .join(Contact, col(Contact.id) == col(Attendance.registration_id))
        .where(
            col(Attendance.event_id) == event_id,
            col(Attendance.came),
            col(Attendance.invited).is_(False),
            col(Contact.email).is_not(None),
        )
    )
    found = (await work.execute(statement)).all()
    return [
        (attendance, contact)
        for attendance, contact in found
        if not await is_unwanted(work, contact.email or "", INVITATION)
    ]


async def _invited(work: Work, event_id: str, after: str) -> Sequence[Contact]:
    statement = (
        select(Contact)
        .join(Attendance, col(Contact.id) == col(Attendance.registration_id))
        .where(
            col(Attendance.event_id) == event_id,
            col(Attendance.invited),
            col(Contact.email).is_not(None),
            col(Contact.id) > after,
        )
        .order_by(col(Contact.id))
        .limit(AT_ONCE)
    )
    return (await work.scalars(statement)).all()


def _invitation(
    work: Work, survey: Survey, event: KnownEvent, contact: Contact, ballot: Ballot
) -> SendLetter:
    return _letter(work, survey, event, contact, INVITATION, ballot=ballot.locked)


def _letter(
    work: Work,
    survey: Survey,
    event: KnownEvent,
    contact: Contact,
    template: str,
    *,
    ballot: str | None = None,
) -> SendLetter:
    assert contact.email is not None
    assert survey.message_id is not None
    language = letter_language(contact.language)
    letter = Letter(
        template=template,
        language=language,
        email=contact.email,
        written_at=work.now,
        name=contact.name,
        title=in_language(event.titles, language),
        time_zone=event.time_zone,
        answer_by=survey.closes_at,
        ballot=ballot,
    )
    return SendLetter(
        survey.message_id,
        letter,
        about=contact.id,
        delivery_id=random_id(),
        recipient=random_id(),
    )


async def _locked(work: Work, survey_id: str) -> Survey | None:
    statement = select(Survey).where(col(Survey.survey_id) == survey_id).with_for_update()
    found: Survey | None = await work.scalar(statement)
    return found
