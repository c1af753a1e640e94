"""What events hears: organisations, booking's answers about rooms, and its own erasures."""

from datetime import timedelta

from services.events.handlers.erasure import KeepErased, keep_erased
from services.events.handlers.organisations import keep_organisation as keep
from services.events.processes.room_for_event import do_without_room, keep_room, lose_room
from shared.contracts.booking import BookingCancelled, BookingConfirmed, BookingRejected
from shared.contracts.directory import (
    OrganisationChanged,
    OrganisationDescription,
    OrganisationRegistered,
)
from shared.contracts.events import RegistrationErasureRequested
from shared.messaging.subscription import acts, keeps_ledger, projects
from shared.store import Work

organisations = projects(service="events", purpose="organisations")
rooms = acts(service="events", purpose="rooms", within=timedelta(days=30))
erasures = keeps_ledger(service="events", purpose="erasures")


@organisations.on(OrganisationRegistered, OrganisationChanged)
async def keep_organisation(work: Work, message: OrganisationDescription) -> None:
    """Keep what events needs to know of an organisation."""
    await keep(work, message)


@rooms.on(BookingConfirmed)
async def keep_room_for_event(work: Work, message: BookingConfirmed) -> None:
    """Publish or move the event that waited for this room."""
    await keep_room(work, message)


@rooms.on(BookingRejected)
async def do_without_room_for_event(work: Work, message: BookingRejected) -> None:
    """Tell the event that waited for this room that it cannot have it."""
    await do_without_room(work, message)


@rooms.on(BookingCancelled)
async def lose_room_for_event(work: Work, message: BookingCancelled) -> None:
    """Note that an event has lost its room."""
    await lose_room(work, message)


@erasures.on(RegistrationErasureRequested)
async def keep_person_erased(work: Work, message: RegistrationErasureRequested) -> None:
    """Erase again whom a restored store brought back."""
    await keep_erased(work, KeepErased(message.erasure_id))
