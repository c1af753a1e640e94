"""Whether something is still as the caller read it, asked under the lock that a change takes."""

from collections.abc import Callable
from dataclasses import dataclass

from services.events.handlers.line import lock_places
from services.events.handlers.registrations import lock_registration
from services.events.models import Event
from shared.store import Work


@dataclass(frozen=True)
class Unchanged:
    """Go on only where `check` takes the revision that the thing `id` is at."""

    id: str
    check: Callable[[int], None]


async def check_registration(work: Work, command: Unchanged) -> None:
    """Let `check` raise where a registration has changed; raise NotFound where there is none."""
    _, row = await lock_registration(work, command.id)
    command.check(row.revision)


async def check_event(work: Work, command: Unchanged) -> None:
    """Let `check` raise where an event has changed; raise NotFound where there is none."""
    await lock_places(work, command.id)
    event = await work.get_one(Event, command.id, with_for_update=True)
    command.check(event.revision)
