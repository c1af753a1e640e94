"""Whether an error means that the bus is away, rather than that something is wrong."""

from aiokafka.errors import KafkaConnectionError, KafkaError


def bus_is_away(error: BaseException) -> bool:
    """Say whether what was asked of the bus may succeed once its server answers."""
    if not isinstance(error, KafkaError):
        return False
    return bool(error.retriable) or isinstance(error, KafkaConnectionError)
