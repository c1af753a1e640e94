"""Hearing who came and of surveys: their ballots are handed out, and wiped when they close."""

from services.notifications.handlers.attendance import (
    KnowAttendance,
    know_attendance,
    know_attendance_closed,
)
from services.notifications.handlers.ballots import EndSurvey, TakeBallots, end_survey, take_ballots
from services.notifications.messages.subscriptions import ballots, revision
from shared.contracts.events import AttendanceClosed, RegistrationAttended, RegistrationNoShow
from shared.contracts.events.registration import RegistrationFact
from shared.contracts.surveys import Ballots, BallotsMade, SurveyClosed
from shared.messaging.subscription import received
from shared.security.sealing import Opener
from shared.store import Work


@ballots.on(RegistrationAttended, RegistrationNoShow)
async def learn_who_came(work: Work, message: RegistrationFact) -> None:
    """Know whether a registration came: the last word holds."""
    await know_attendance(
        work,
        KnowAttendance(
            registration_id=message.registration_id,
            event_id=message.event_id,
            revision=revision(),
            came=isinstance(message, RegistrationAttended),
        ),
    )


@ballots.on(AttendanceClosed)
async def learn_that_all_is_said(work: Work, message: AttendanceClosed) -> None:
    """Know that who came to an event is known."""
    await know_attendance_closed(work, message.event_id)


@ballots.on(BallotsMade)
async def take_sealed_ballots(work: Work, message: BallotsMade) -> None:
    """Open ballots and keep them, unreadable, until they are handed out."""
    inside = Ballots.model_validate_json(work.need(Opener).open(message.sealed))
    await take_ballots(
        work,
        TakeBallots(
            survey_id=message.survey_id,
            event_id=message.event_id,
            message_id=received().id,
            opened_at=received().time,
            closes_at=message.closes_at,
            part=message.part,
            parts=message.parts,
            tokens=inside.tokens,
        ),
    )


@ballots.on(SurveyClosed)
async def learn_that_it_is_closed(work: Work, message: SurveyClosed) -> None:
    """Wipe the ballots that are left."""
    await end_survey(work, EndSurvey(message.survey_id, message.event_id))
