"""A Kafka-shaped bus inside one process: the log, and the clients FastStream runs over it."""

from shared.messaging.embedded.errors import (
    GroupTaken,
    KeyRequired,
    LogFailure,
    LogInUse,
)
from shared.messaging.embedded.log import EmbeddedLog, NewRecord

__all__ = ["EmbeddedLog", "GroupTaken", "KeyRequired", "LogFailure", "LogInUse", "NewRecord"]
