"""What booking hears: organisations, the rooms that events ask for and give back, erasures."""

from datetime import timedelta

from services.booking.handlers.bookings import Book
from services.booking.handlers.erasure import KeepErased, keep_erased
from services.booking.handlers.rooms import KnowOrganisation, know_organisation
from services.booking.handlers.wishes import ReleaseRooms, book_for_event, release_rooms
from shared.contracts.booking import BookingContactErasureRequested
from shared.contracts.directory import (
    OrganisationChanged,
    OrganisationDescription,
    OrganisationDissolved,
    OrganisationRegistered,
)
from shared.contracts.events import EventCancelled, RoomReleased, RoomRequested
from shared.messaging.subscription import acts, keeps_ledger, projects, received
from shared.store import Work

organisations = projects(service="booking", purpose="organisations")
wishes = acts(service="booking", purpose="wishes", within=timedelta(days=30))
"""A wish that is older than its event is refused as past; half a year of them is not booked."""

erasures = keeps_ledger(service="booking", purpose="erasures")


@organisations.on(OrganisationRegistered, OrganisationChanged)
async def keep_organisation(work: Work, message: OrganisationDescription) -> None:
    """Keep an organisation in the slim copy."""
    await know_organisation(work, KnowOrganisation(message.organisation_id, _revision()))


@organisations.on(OrganisationDissolved)
async def note_dissolution(work: Work, message: OrganisationDissolved) -> None:
    """Note that an organisation no longer books."""
    command = KnowOrganisation(message.organisation_id, _revision(), message.dissolved_on)
    await know_organisation(work, command)


@wishes.on(RoomRequested)
async def answer_wish(work: Work, message: RoomRequested) -> None:
    """Book the room that an event asks for, or refuse it."""
    await book_for_event(
        work,
        Book(
            room_id=message.room_id,
            organisation_id=message.organisation_id,
            purpose=None,
            starts_at=message.starts_at,
            ends_at=message.ends_at,
            expected_people=message.people,
            for_event=message.event_id,
        ),
    )


@wishes.on(RoomReleased)
async def take_room_back(work: Work, message: RoomReleased) -> None:
    """Call off the booking that an event no longer needs."""
    await release_rooms(work, ReleaseRooms(message.event_id, message.booking_id, "released"))


@wishes.on(EventCancelled)
async def free_rooms_of_event(work: Work, message: EventCancelled) -> None:
    """Call off all bookings of an event that does not take place."""
    await release_rooms(work, ReleaseRooms(message.event_id, None, "event-cancelled"))


@erasures.on(BookingContactErasureRequested)
async def keep_contact_erased(work: Work, message: BookingContactErasureRequested) -> None:
    """Erase again the contact that a restored store brought back."""
    await keep_erased(work, KeepErased(message.erasure_id))


def _revision() -> int:
    return received().sequence or 0
