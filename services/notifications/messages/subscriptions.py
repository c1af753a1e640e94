"""The subscriptions of notifications, and what their handlers share."""

from services.notifications.handlers.letters import GiveUpLetter, give_up_letter
from services.notifications.rules import ATTENDANCE_KEPT, WITHIN
from shared.contracts.topics import topic
from shared.messaging.subscription import NotYet, acts, projects, received
from shared.store import Work

letters = acts(service="notifications", purpose="letters", within=WITHIN)
ballots = acts(service="notifications", purpose="ballots", within=ATTENDANCE_KEPT, untraced=True)
programme = projects(service="notifications", purpose="programme")


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
