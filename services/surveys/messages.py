"""What surveys hears: events, and that the attendance of one is closed."""

from datetime import timedelta

from services.surveys.handlers.events import KnowEvent, know_event, note_cancellation
from services.surveys.handlers.openings import OpenSurvey, open_survey
from shared.contracts.events import (
    AttendanceClosed,
    EventCancelled,
    EventChanged,
    EventPublished,
    EventRescheduled,
)
from shared.contracts.events.event import EventDescription
from shared.messaging.subscription import acts, projects, received
from shared.store import Work

programme = projects(service="surveys", purpose="programme", untraced=True)
openings = acts(service="surveys", purpose="openings", within=timedelta(days=30), untraced=True)
"""An attendance that was closed longer ago is not asked about any more."""


@programme.on(EventPublished, EventChanged, EventRescheduled)
async def keep_event(work: Work, message: EventDescription) -> None:
    """Keep what a survey shows of an event."""
    await know_event(
        work,
        KnowEvent(
            event_id=message.event_id,
            revision=received().sequence or 0,
            titles=message.titles,
            format=message.format.value,
            local_date=message.local_date,
        ),
    )


@programme.on(EventCancelled)
async def keep_cancellation(work: Work, message: EventCancelled) -> None:
    """Keep in mind that an event has no survey."""
    await note_cancellation(work, message.event_id)


@openings.on(AttendanceClosed)
async def ask_those_who_came(work: Work, message: AttendanceClosed) -> None:
    """Open the survey of an event whose attendance is known."""
    await open_survey(work, OpenSurvey(message.event_id, message.year, message.attended))
