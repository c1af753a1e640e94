"""Hearing who is to be told; what is opened here goes into the table of contacts or a letter."""

from services.notifications.handlers.attendance import invite_late
from services.notifications.handlers.contacts import KeepContact, keep_contact
from services.notifications.handlers.erasure import not_erased
from services.notifications.handlers.letters import WriteLetter, is_written, write_letter
from services.notifications.installation import Installation
from services.notifications.letter import Letter, OwnLink
from services.notifications.messages.subscriptions import letters
from services.notifications.models import KnownEvent
from services.notifications.rules import in_language, letter_language
from shared.contracts.booking import BookingContact, BookingContactGiven
from shared.contracts.events import EventContact, EventContactGiven, EventPublished
from shared.messaging.subscription import NotYet, received
from shared.security.sealing import Opener
from shared.store import Work


@letters.on(BookingContactGiven)
async def learn_booking_contact(work: Work, message: BookingContactGiven) -> None:
    """Keep who is told about a booking."""
    opened = BookingContact.model_validate_json(work.need(Opener).open(message.sealed))
    await keep_contact(
        work,
        KeepContact(
            id=message.booking_id,
            name=opened.name,
            email=opened.email,
            language=opened.language,
            given_at=received().time,
            purpose=opened.purpose,
        ),
    )


@letters.on(EventContactGiven)
async def learn_event_contact(work: Work, message: EventContactGiven) -> None:
    """Keep who is told about a registration, or write the one letter that was asked for."""
    contact = EventContact.model_validate_json(work.need(Opener).open(message.sealed))
    if contact.purpose == "registration":
        await keep_contact(
            work,
            KeepContact(
                id=message.registration_id,
                name=contact.name,
                email=contact.email,
                language=contact.language,
                given_at=received().time,
                event_id=contact.event_id,
                manage_token=contact.manage_token,
                online_url=contact.online_url,
            ),
        )
        await invite_late(work, message.registration_id)
    elif not await is_written(work, received().id):
        links = await not_erased(work, contact.links)
        if contact.links and not links:
            return
        letter = await _own_letter(work, contact.model_copy(update={"links": links}))
        if letter is not None:
            await write_letter(work, WriteLetter(received().id, letter))


async def _own_letter(work: Work, contact: EventContact) -> Letter | None:
    """Return the letter that a contact asks for by itself, or None where it has nothing to say."""
    house, language = work.need(Installation), letter_language(contact.language)
    if contact.purpose == "links":
        return await _links(work, contact)
    if contact.event_id is None:
        return None
    event = await _event(work, contact.event_id)
    return Letter(
        template="already-registered",
        language=language,
        email=contact.email,
        written_at=work.now,
        title=in_language(event.titles, language),
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        time_zone=event.time_zone,
        link=house.link(language, contact.manage_token),
    )


async def _links(work: Work, contact: EventContact) -> Letter:
    house, language = work.need(Installation), letter_language(contact.language)
    links = []
    for each in contact.links:
        event = await _event(work, each.event_id)
        links.append(
            OwnLink(
                title=in_language(event.titles, language),
                starts_at=event.starts_at,
                ends_at=event.ends_at,
                time_zone=event.time_zone,
                url=house.link(language, each.manage_token) or house.source,
            )
        )
    return Letter(
        template="registration-links",
        language=language,
        email=contact.email,
        written_at=work.now,
        links=sorted(links, key=lambda each: each.starts_at),
    )


async def _event(work: Work, event_id: str) -> KnownEvent:
    event = await work.get(KnownEvent, event_id)
    if event is None:
        raise NotYet(EventPublished.topic, event_id)
    return event
