"""Seals who is told about a registration, for notifications, and makes the links they hold."""

from dataclasses import dataclass, field

from shared.contracts.events import EventContact, EventContactGiven, ManageLink
from shared.ids import random_id
from shared.security.links import BadLink, Links
from shared.security.sealing import Sealer
from shared.store import Work

PURPOSE = "registration"


@dataclass(frozen=True)
class Addressee:
    """Whom a letter about a registration goes to."""

    name: str
    email: str = field(repr=False)
    language: str


class Contacts:
    """Gives contacts to notifications: sealed, before the fact that they serve."""

    def __init__(self, sealer: Sealer, links: Links, source: str) -> None:
        self._sealer = sealer
        self._links = links
        self._source = source.rstrip("/")

    def manage_url(self, registration_id: str, language: str) -> str:
        """Return the address under which its holder manages a registration."""
        spoken = "sv" if language.partition("-")[0] == "sv" else "en"
        return f"{self._source}/{spoken}/r/{self._links.make(PURPOSE, registration_id)}"

    def read(self, token: str) -> str | None:
        """Return the registration that a link's token is for, None for what is no link of ours."""
        try:
            return self._links.read(PURPOSE, token)
        except BadLink:
            return None

    def give(
        self,
        work: Work,
        registration_id: str,
        to: Addressee,
        event_id: str,
        *,
        online_url: str | None = None,
    ) -> None:
        """Publish the contact of a registration; say its fact after it in the same unit of work."""
        inside = EventContact(
            name=to.name,
            email=to.email,
            language=to.language,
            event_id=event_id,
            manage_token=self._links.make(PURPOSE, registration_id),
            online_url=online_url,
        )
        self._publish(work, registration_id, inside)

    def remind(self, work: Work, registration_id: str, to: Addressee, event_id: str) -> None:
        """Have a person told, who asked again, that the registration is there already."""
        inside = EventContact(
            name=to.name,
            email=to.email,
            language=to.language,
            purpose="already-registered",
            event_id=event_id,
            manage_token=self._links.make(PURPOSE, registration_id),
            links=[self._link(event_id, registration_id)],
        )
        self._publish(work, random_id(), inside)

    def send_links(self, work: Work, to: Addressee, registrations: list[tuple[str, str]]) -> None:
        """Have a person sent the links of these (event, registration)."""
        inside = EventContact(
            name=to.name,
            email=to.email,
            language=to.language,
            purpose="links",
            links=[
                self._link(event_id, registration_id) for event_id, registration_id in registrations
            ],
        )
        self._publish(work, random_id(), inside)

    def _link(self, event_id: str, registration_id: str) -> ManageLink:
        token = self._links.make(PURPOSE, registration_id)
        return ManageLink(event_id=event_id, registration_id=registration_id, manage_token=token)

    def _publish(self, work: Work, registration_id: str, inside: EventContact) -> None:
        sealed = self._sealer.seal(inside.encode())
        work.publish(EventContactGiven(registration_id=registration_id, sealed=sealed))
