"""A static member that is fenced joins again; one that is fenced again and again is told of.

Kafka fences a member whose instance id came a second time (KIP-345). That may be this process
itself: one whose join was not answered, because a broker died over it, joins once more. So it goes
on as if it had been forgotten, as aiokafka does for a member id that the group does not know. Two
processes with one instance id fence each other without end: they share the work badly, and say so.
"""

import logging
import time
from collections import deque

from aiokafka.errors import UnknownMemberIdError, kafka_errors

FENCED_INSTANCE_ID = 82
OFTEN, WITHIN_SECONDS = 5, 60.0

log = logging.getLogger("andan.bus")

kafka_errors.setdefault(FENCED_INSTANCE_ID, UnknownMemberIdError)


class Duel:
    """Notices that a static member is taken for another again and again."""

    def __init__(self, group: str, instance: str) -> None:
        self._group = group
        self._instance = instance
        self._member = ""
        self._changes: deque[float] = deque(maxlen=OFTEN)
        self._told = -WITHIN_SECONDS

    def look(self, member: str) -> None:
        """Take note of the id the member has now; say at most once a minute that it is fenced."""
        if not member or member == self._member:
            return
        self._member = member
        now = time.monotonic()
        self._changes.append(now)
        is_often = len(self._changes) == OFTEN and now - self._changes[0] < WITHIN_SECONDS
        if is_often and now - self._told >= WITHIN_SECONDS:
            self._told = now
            log.error(
                "fenced: another process consumes as %s with the same ANDAN_INSTANCE (%s); give "
                "each an instance of its own",
                self._group,
                self._instance.removeprefix(f"{self._group}-"),
            )
