"""Knowing who came: the last word about each registration, and the last one about the event."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, bindparam, select, text
from sqlmodel import UTCDateTime, col

from services.notifications.handlers.ballots import hand_out_soon
from services.notifications.models import Attendance, Survey
from shared.store import Work
from shared.store.hot import Hot

_KNOW = text(
    "INSERT INTO attendance (registration_id, event_id, revision, came, invited, heard_at)"
    " VALUES (:registration_id, :event_id, :revision, :came, :invited, :heard_at)"
    " ON CONFLICT (registration_id) DO UPDATE SET revision = excluded.revision,"
    " came = excluded.came, heard_at = excluded.heard_at"
    " WHERE attendance.revision < excluded.revision"
).bindparams(
    bindparam("revision", type_=BigInteger()),
    bindparam("came", type_=Boolean()),
    bindparam("invited", type_=Boolean()),
    bindparam("heard_at", type_=UTCDateTime()),
)
_CLOSE = text(
    "INSERT INTO closed_attendance (event_id, heard_at) VALUES (:event_id, :heard_at)"
    " ON CONFLICT (event_id) DO NOTHING"
).bindparams(bindparam("heard_at", type_=UTCDateTime()))

_CAME_TO = Hot(
    select(col(Attendance.event_id)).where(
        col(Attendance.registration_id) == bindparam("registration_id"),
        col(Attendance.came).is_(True),
        col(Attendance.invited).is_(False),
    )
)


@dataclass(frozen=True)
class KnowAttendance:
    """A registration came, or did not, as `revision` tells it."""

    registration_id: str
    event_id: str
    revision: int
    came: bool


async def know_attendance(work: Work, command: KnowAttendance) -> None:
    """Remember whether somebody came, unless a later word is known; a correction is invited too."""
    values = {
        "registration_id": command.registration_id,
        "event_id": command.event_id,
        "revision": command.revision,
        "came": command.came,
        "invited": False,
        "heard_at": work.now,
    }
    await work.execute(_KNOW, values)
    if command.came:
        await _hand_out(work, command.event_id)


async def invite_late(work: Work, registration_id: str) -> None:
    """Have somebody invited who came, and whose contact is known only now."""
    event_id = await _CAME_TO.scalar(work, {"registration_id": registration_id})
    if event_id is not None:
        await _hand_out(work, event_id)


async def know_attendance_closed(work: Work, event_id: str) -> None:
    """Remember that who came is known; the ballots of the event can be handed out now."""
    await work.execute(_CLOSE, {"event_id": event_id, "heard_at": work.now})
    await _hand_out(work, event_id)


async def _hand_out(work: Work, event_id: str) -> None:
    of_event = select(col(Survey.survey_id)).where(
        col(Survey.event_id) == event_id, col(Survey.is_closed).is_(False)
    )
    for survey_id in (await work.scalars(of_event)).all():
        await hand_out_soon(work, survey_id)
