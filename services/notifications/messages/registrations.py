"""Hearing of registrations: each step that concerns a person is a letter."""

from typing import Any

from services.notifications.handlers.contacts import let_contact_go, wipe_contact
from services.notifications.handlers.deliveries import withdraw_letters
from services.notifications.handlers.event_letters import calendar_end, event_letter, with_place
from services.notifications.handlers.letters import WriteLetter, is_written, write_first_letter
from services.notifications.messages.subscriptions import letters, missing_contact
from services.notifications.models import Contact, KnownEvent
from shared.contracts.events import (
    EventContactGiven,
    EventPublished,
    RegistrationApplied,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationDeclined,
    RegistrationPending,
    RegistrationWaitlisted,
)
from shared.contracts.events.registration import RegistrationFact
from shared.messaging.subscription import NotYet, received
from shared.store import Work

SILENT = ("not-confirmed", "erased")
"""Cancellations that nobody is told of; the person's contact goes with them."""


@letters.on(RegistrationPending)
async def ask_for_confirmation(work: Work, message: RegistrationPending) -> None:
    """Send the link that takes the place; nobody knows yet whose the name is, so it stays out."""
    told = await _told(work, message, "registration-pending")
    if told is not None:
        await _write(work, *told, message, name=None, confirm_by=message.confirm_by)


@letters.on(RegistrationApplied)
async def write_application_received(work: Work, message: RegistrationApplied) -> None:
    """Say that an application came in."""
    told = await _told(work, message, "registration-applied")
    if told is not None:
        await _write(work, *told, message)


@letters.on(RegistrationConfirmed)
async def write_confirmation(work: Work, message: RegistrationConfirmed) -> None:
    """Say that the place is theirs: at once, after waiting, or after selection."""
    kind = "selected" if message.selected else "promoted" if message.promoted else "confirmed"
    told = await _told(work, message, f"registration-{kind}")
    if told is None:
        return
    template, contact, event = told
    contact.invited = event.calendar_sequence
    more = await with_place(work, contact, event)
    await _write(work, template, contact, event, message, **more)


@letters.on(RegistrationWaitlisted)
async def write_place_in_line(work: Work, message: RegistrationWaitlisted) -> None:
    """Say which place in line they have."""
    told = await _told(work, message, "registration-waitlisted")
    if told is not None:
        await _write(work, *told, message, position=message.position)


@letters.on(RegistrationDeclined)
async def write_refusal(work: Work, message: RegistrationDeclined) -> None:
    """Tell an applicant who was not selected; whoever turned an offer down knows."""
    if message.reason != "not-selected":
        return
    told = await _told(work, message, "registration-declined")
    if told is not None:
        await _write(work, *told, message)
        await let_contact_go(work, told[1])


@letters.on(RegistrationCancelled)
async def write_cancellation(work: Work, message: RegistrationCancelled) -> None:
    """Say that the registration is over, and take the event out of the person's calendar."""
    if message.reason in SILENT:
        await withdraw_letters(work, message.registration_id)
        await wipe_contact(work, message.registration_id)
        return
    told = await _told(work, message, "registration-cancelled")
    if told is None:
        return
    template, contact, event = told
    more = {"reason": message.reason, "invitation": calendar_end(work, contact)}
    await _write(work, template, contact, event, message, **more)
    await let_contact_go(work, contact)


async def _told(
    work: Work, message: RegistrationFact, template: str
) -> tuple[str, Contact, KnownEvent] | None:
    """Return which letter, to whom, about what; None for no letter.

    The contact is that of the fact's own instant: an older one may say less.
    """
    if not message.contact_given or await is_written(work, received().id):
        return None
    contact = await work.get(Contact, message.registration_id)
    if contact is None or (contact.given_at and contact.given_at < received().time):
        await missing_contact(work, EventContactGiven.topic, message.registration_id, template)
        return None
    if contact.email is None:
        return None
    event = work.hold(await work.get(KnownEvent, message.event_id))
    if event is None:
        raise NotYet(EventPublished.topic, message.event_id)
    return template, contact, event


async def _write(
    work: Work,
    template: str,
    contact: Contact,
    event: KnownEvent,
    message: RegistrationFact,
    **more: Any,
) -> None:
    letter = event_letter(work, template, contact, event, people=message.people, **more)
    await write_first_letter(work, WriteLetter(received().id, letter, about=contact.id))
