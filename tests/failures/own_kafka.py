"""A Kafka for the tests of one module, whose topics bear the names that services really use."""

from collections.abc import Iterator

import pytest

from shared.testing.jars import NoKafka
from shared.testing.kafka import KafkaServer
from tests.required import unavailable

CLEANING = {"log.cleaner.backoff.ms": "200"}
"""It looks for what it can compact five times a second."""


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[str]:
    """Give the address of a Kafka that nobody else uses."""
    server = KafkaServer(settings=CLEANING)
    try:
        server.start()
    except NoKafka as error:
        server.discard()
        unavailable(f"no Kafka: {error}")
    try:
        yield server.bootstrap_servers
    finally:
        server.discard()
