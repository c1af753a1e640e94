"""What reporting hears: every message that a figure rests on, kept as it came."""

from services.reporting.handlers import KeepFact, keep_fact
from services.reporting.rules import HEARD, fact_of
from shared.contracts.message import Message
from shared.messaging.subscription import projects, received
from shared.store import Work

figures = projects(service="reporting", purpose="figures")


@figures.on(*HEARD)
async def keep_what_happened(work: Work, message: Message) -> None:
    """Keep a message as a fact; it waits for nothing, since facts are joined when they are read."""
    await keep_fact(work, KeepFact(fact_of(message, received())))
