"""The slim copy of events: their titles and day, and whether they take place."""

from dataclasses import dataclass
from datetime import date

from services.surveys.models import KnownEvent
from shared.store import Work


@dataclass(frozen=True)
class KnowEvent:
    """An event is so, as of a revision."""

    event_id: str
    revision: int
    titles: dict[str, str]
    format: str
    local_date: date


async def know_event(work: Work, command: KnowEvent) -> None:
    """Keep what is shown of an event, unless something newer is known."""
    known = await _known(work, command.event_id)
    if command.revision < known.revision:
        return
    known.revision = command.revision
    known.titles = command.titles
    known.format = command.format
    known.local_date = command.local_date
    work.add(known)


async def note_cancellation(work: Work, event_id: str) -> None:
    """Note that an event does not take place: it has no survey."""
    known = await _known(work, event_id)
    known.cancelled = True
    work.add(known)


async def _known(work: Work, event_id: str) -> KnownEvent:
    found = await work.get(KnownEvent, event_id, with_for_update=True)
    return found or KnownEvent(
        id=event_id, revision=0, titles={}, format=None, local_date=None, cancelled=False
    )
