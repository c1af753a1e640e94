"""A second process with the same ANDAN_INSTANCE: the first is fenced, says so, and lies still."""

import asyncio
import logging

from aiokafka.errors import BrokerResponseError, KafkaError, kafka_errors

TOLD_EVERY_SECONDS = 60.0

log = logging.getLogger("andan.bus")


class FencedInstanceIdError(BrokerResponseError):  # type: ignore[misc]  # aiokafka has no types
    """Another member of the group has come with the same instance id (KIP-345)"""

    errno = 82
    message = "FENCED_INSTANCE_ID"
    description = "Another member of the group has come with the same instance id."


kafka_errors.setdefault(FencedInstanceIdError.errno, FencedInstanceIdError)


def is_fenced(error: KafkaError) -> bool:
    """Say whether it is this that a consumer is told; aiokafka wraps it into words."""
    return FencedInstanceIdError.__name__ in repr(error)


async def lie_still(group: str, instance: str) -> None:
    """Say, now and every minute, that this process hears nothing any more; until cancelled.

    To join again would fence the other one, which would then do the same, without an end.
    """
    while True:
        log.error(
            "fenced: another process consumes as %s with the same ANDAN_INSTANCE (%s); this one "
            "hears nothing until it is started again with one of its own",
            group,
            instance.removeprefix(f"{group}-"),
        )
        await asyncio.sleep(TOLD_EVERY_SECONDS)
