"""What a relay does that may have sent rows after another had taken over from it."""

import asyncio
import json

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.store.store import Store

PAUSE_SECONDS = 1.0

_ALONE = text("LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE")
_LATEST_AGAIN = text(
    "INSERT INTO outbox (message_id, topic, key, headers, body, at)"
    " SELECT message_id, topic, key, headers, body, at FROM ("
    "  SELECT DISTINCT ON (topic, key) * FROM outbox WHERE (topic, key) IN ("
    "   SELECT topic, key FROM outbox WHERE seq IN (SELECT CAST(value AS integer)"
    "    FROM json_array_elements_text(CAST(:seqs AS json)) AS value)"
    "  ) ORDER BY topic, key, seq DESC"
    " ) AS latest ORDER BY seq"
)

log = structlog.get_logger()


async def send_latest_again(store: Store, seqs: list[int]) -> None:
    """Have the latest message of each key of these rows sent once more, after all before it.

    A process that was stopped in the middle of sending may, when it goes on, still append rows
    that whoever leads now has sent long ago. Inboxes know them; but on a compacted topic the last
    record of a key is what is kept, and that would be an old one. Every row in writing is waited
    for, so that the copies come last.
    """
    while True:
        try:
            async with store.work() as work:
                await work.execute(_ALONE)
                await work.execute(_LATEST_AGAIN, {"seqs": json.dumps(seqs)})
                await store.announce(work)
        except (DBAPIError, OSError, TimeoutError) as error:
            log.warning("relay.amends_wait", service=store.service, error=repr(error))
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            log.warning("relay.amends", service=store.service, rows=len(seqs))
            return
