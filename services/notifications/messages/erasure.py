"""Hearing who is to be erased, from the first erasure on, at every start."""

from services.notifications.handlers.erasure import EraseRecipient, erase_recipient
from shared.contracts.booking import BookingContactErasureRequested
from shared.contracts.events import RegistrationErasureRequested
from shared.messaging.subscription import keeps_ledger
from shared.security.erasure import BOOKING, REGISTRATION
from shared.store import Work

erasures = keeps_ledger(service="notifications", purpose="erasures")


@erasures.on(RegistrationErasureRequested)
async def erase_participant(work: Work, message: RegistrationErasureRequested) -> None:
    """Erase whoever a registration was."""
    await erase_recipient(work, EraseRecipient(REGISTRATION, message.erasure_id))


@erasures.on(BookingContactErasureRequested)
async def erase_booking_contact(work: Work, message: BookingContactErasureRequested) -> None:
    """Erase whoever the contact of a booking was."""
    await erase_recipient(work, EraseRecipient(BOOKING, message.erasure_id))
