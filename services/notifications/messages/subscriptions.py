"""The two subscriptions of notifications, and what the handlers of both of them share."""

from dataclasses import dataclass

from services.notifications.handlers.letters import GiveUpLetter, give_up_letter
from services.notifications.rules import WITHIN
from shared.contracts.topics import topic
from shared.messaging.subscription import NotYet, acts, projects, received
from shared.store import Work

letters = acts(service="notifications", purpose="letters", within=WITHIN)
programme = projects(service="notifications", purpose="programme")


@dataclass(frozen=True)
class Installation:
    """What letters say of the installation: where its links lead, and its name in ids."""

    source: str
    host: str

    def link(self, language: str, token: str | None) -> str | None:
        """Return the address behind which a registration is managed."""
        return None if token is None else f"{self.source}/{language}/r/{token}"


def revision() -> int:
    """Return the revision that the message tells; without one, its time stands for it."""
    envelope = received()
    if envelope.sequence is not None:
        return envelope.sequence
    return int(envelope.time.timestamp() * 1_000_000)


async def missing_contact(work: Work, topic_name: str, key: str, template: str) -> None:
    """Wait (NotYet) while a contact that was given may still come.

    Where it can no longer come (its topic keeps none so old), the letter ends as a failed delivery.
    """
    kept = topic(topic_name).retention
    assert kept is not None
    if received().time + kept > work.now:
        raise NotYet(topic_name, key)
    await give_up_letter(work, GiveUpLetter(received().id, template))
