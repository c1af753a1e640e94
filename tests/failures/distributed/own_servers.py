"""The servers of a round: a Kafka and a PostgreSQL of its own, so that nothing else is in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.testing.jars import NoKafka
from shared.testing.kafka import KafkaServer
from shared.testing.postgres import PostgresServer
from tests.required import unavailable


@contextmanager
def servers() -> Iterator[dict[str, Any]]:
    """Run a Kafka and a PostgreSQL of the round's own."""
    kafka = KafkaServer()
    try:
        kafka.start()
    except NoKafka as error:
        unavailable(f"there is no Kafka: {error}")
    try:
        postgres = PostgresServer(settings={"fsync": "off"})
        try:
            yield {"kafka": kafka, "postgres": postgres.start()}
        finally:
            postgres.stop()
    finally:
        kafka.discard()
