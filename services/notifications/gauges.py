"""The gauge of notifications: whether ballots that came are handed out."""

from datetime import datetime

from services.notifications.queries import waiting_since
from shared.observability.metrics import Metrics
from shared.store import Reader


async def show_waiting_ballots(reader: Reader, metrics: Metrics, now: datetime) -> None:
    """Show how long the oldest open survey has waited for its letters; 0 where none waits."""
    since = await waiting_since(reader, now)
    seconds = 0.0 if since is None else max(0.0, (now - since).total_seconds())
    metrics.ballots_waiting_seconds.set(seconds)
