"""Letters about a registration: what they say of the person, the event and the calendar."""

from typing import Any

from services.notifications.installation import Installation
from services.notifications.letter import Invitation, Letter
from services.notifications.models import Contact, KnownEvent, KnownRoom
from services.notifications.rules import in_language, letter_language
from shared.store import Work

WITHOUT_LINK = ("registration-cancelled", "registration-declined")


def event_letter(
    work: Work, template: str, contact: Contact, event: KnownEvent, **more: Any
) -> Letter:
    """Return the letter about a registration, in its person's language."""
    language = letter_language(contact.language)
    is_over = template in WITHOUT_LINK
    values = {
        "template": template,
        "language": language,
        "email": contact.email,
        "written_at": work.now,
        "name": contact.name,
        "title": in_language(event.titles, language),
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "time_zone": event.time_zone,
        "link": None if is_over else work.need(Installation).link(language, contact.manage_token),
    }
    return Letter.model_validate(values | more)


async def with_place(work: Work, contact: Contact, event: KnownEvent) -> dict[str, Any]:
    """Return where to go, for those confirmed, and the entry for their calendar."""
    return {
        "place": await _place(work, event),
        "online": event.online,
        "online_url": contact.online_url,
        "invitation": calendar_request(work, contact),
    }


def calendar_request(work: Work, contact: Contact) -> Invitation:
    """Return the entry as it is now: one UID per registration, SEQUENCE as of the event's moves."""
    return Invitation(method="REQUEST", uid=_uid(work, contact), sequence=contact.invited or 0)


def calendar_end(work: Work, contact: Contact) -> Invitation | None:
    """Return what takes the entry out again, one SEQUENCE later; None where none was sent."""
    if contact.invited is None:
        return None
    return Invitation(method="CANCEL", uid=_uid(work, contact), sequence=contact.invited + 1)


def _uid(work: Work, contact: Contact) -> str:
    kind = "booking" if contact.event_id is None else "registration"
    return f"{kind}-{contact.id}@{work.need(Installation).host}"


async def _place(work: Work, event: KnownEvent) -> str | None:
    """Return where to go: as the event says, else its room, which only those confirmed learn."""
    if event.place or not event.room_id:
        return event.place
    room = await work.get(KnownRoom, event.room_id)
    return None if room is None else f"{room.venue_name}, {room.name}"
