"""What the feed hears: every type of message that leaves the house in some view."""

from typing import Final

from services.gateway.feed.keeping import KeepInFeed, keep_in_feed
from services.gateway.feed.view import SHOWN
from shared.contracts.message import Message
from shared.messaging.subscription import projects, received
from shared.store import Work

GATHER_SECONDS: Final = 0.02
"""A commit costs as much as thirty messages: under load it is shared by all of this time."""

feed = projects(service="gateway", purpose="feed", gather_seconds=GATHER_SECONDS)


@feed.on(*SHOWN.values())
async def show_what_happened(work: Work, message: Message) -> None:
    """Add a message to the feed in its public view."""
    await keep_in_feed(work, KeepInFeed(message, received()))
