"""Servers of a test's own, to be ended and started again."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.testing.jars import NoKafka
from shared.testing.kafka_cluster import KafkaCluster
from shared.testing.postgres import PostgresServer
from tests.required import unavailable

MANY = {"max_connections": "300"}
"""Enough for every process of the house."""
UNSYNCED = {"fsync": "off"}
"""What a killed process wrote is with the operating system: only a power cut would lose it."""


@contextmanager
def postgres_of_its_own() -> Iterator[PostgresServer]:
    """Run a PostgreSQL; whoever kills it starts it again."""
    server = PostgresServer(settings=MANY | UNSYNCED).start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def kafka_of_three() -> Iterator[KafkaCluster]:
    """Run three Kafka nodes, or go without the test where there is no Java."""
    cluster = KafkaCluster()
    try:
        cluster.start()
    except NoKafka as error:
        cluster.discard()
        unavailable(f"no Kafka that could be killed: {error}")
    try:
        yield cluster
    finally:
        cluster.discard()
