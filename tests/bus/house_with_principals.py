"""A real Kafka that asks everybody who he is, with the topics, users and rules of the house."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.access import credentials, make_passwords, prepare
from services.settings import ProcessSettings
from shared.messaging.broker import KafkaBus
from shared.messaging.credentials import Credentials
from shared.messaging.principals import ADMIN
from shared.testing.kafka import KafkaServer

ADMIN_PASSWORD = "of-this-test-alone"


@dataclass
class Guarded:
    """The server, and the folder of everybody's password."""

    server: KafkaServer
    passwords: Path

    def bus(self, service: str) -> KafkaBus:
        """Return the bus as a service's process has it, not yet started."""
        told = credentials(self.passwords, service)
        return self.bus_of(told["KAFKA_USERNAME"], told["KAFKA_PASSWORD"])

    def bus_of(self, username: str, password: str) -> KafkaBus:
        """Return the bus of a user."""
        return KafkaBus(
            self.server.bootstrap_servers,
            credentials=Credentials(username, password),
            request_timeout_seconds=3,
        )

    @asynccontextmanager
    async def as_service(self, service: str) -> AsyncIterator[KafkaBus]:
        """Run the bus of a service."""
        bus = self.bus(service)
        await bus.start()
        try:
            yield bus
        finally:
            await bus.stop()

    def settings(self, **more: object) -> ProcessSettings:
        """Return the settings of the administrator, who makes topics, users and rules."""
        return ProcessSettings.model_validate(
            {
                "KAFKA_BOOTSTRAP_SERVERS": self.server.bootstrap_servers,
                "KAFKA_USERNAME": ADMIN,
                "KAFKA_PASSWORD": ADMIN_PASSWORD,
                "kafka_passwords": self.passwords,
                **more,
            }
        )


def guarded(server: KafkaServer, folder: Path) -> Guarded:
    """Make passwords, topics, users and rules for a server that has just started."""
    make_passwords(folder, admin=ADMIN_PASSWORD)
    prepare(server.bootstrap_servers, folder)
    return Guarded(server, folder)
