"""A brake on aiokafka's loggers: in an outage they repeat a line thousands of times a second."""

import logging
import time
from collections.abc import Callable

PER_PERIOD = 5
PERIOD_SECONDS = 10.0


class Brake(logging.Filter):
    """Lets each kind of line through five times in ten seconds, then says how many it kept back."""

    def __init__(self, clock_time: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock_time = clock_time
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether this line may pass; one kind = one logger and one text before formatting."""
        kind = (record.name, str(record.msg))
        now = self._clock_time()
        began, count = self._seen.get(kind, (now, 0))
        if now - began >= PERIOD_SECONDS:
            if count > PER_PERIOD:
                record.msg = f"{record.msg} (and {count - PER_PERIOD} more like it)"
            began, count = now, 0
        self._seen[kind] = (began, count + 1)
        return count < PER_PERIOD


_BRAKE = Brake()


def calm_aiokafka() -> None:
    """Put the brake on every logger of aiokafka that exists; doing it again is harmless."""
    for name in list(logging.root.manager.loggerDict):
        if name == "aiokafka" or name.startswith("aiokafka."):
            logging.getLogger(name).addFilter(_BRAKE)
