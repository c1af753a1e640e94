"""What a process can be told from outside, beside the settings of the services it runs."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import AwareDatetime, Field, SecretStr, model_validator

from shared.messaging.credentials import Credentials
from shared.security.keyring import Keyring
from shared.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)


def _alias(name: str) -> str:
    return str(ServiceSettings.model_fields[name].validation_alias or name)


class ProcessSettings(ServiceSettings):
    """Where a process listens, which bus it uses, and whether it lives on a replay clock."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(validation_alias="PORT", ge=0, le=65535)] = 8000
    kafka_bootstrap_servers: Annotated[
        str | None, Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    ] = None
    kafka_username: Annotated[str | None, Field(validation_alias="KAFKA_USERNAME")] = None
    """Who this process is to Kafka; without it, nobody is asked."""
    kafka_password: Annotated[SecretStr | None, Field(validation_alias="KAFKA_PASSWORD")] = None
    kafka_ca_file: Annotated[Path | None, Field(validation_alias="KAFKA_CA_FILE")] = None
    """With it the way to Kafka is encrypted, and its certificate has to be signed by this."""
    kafka_passwords: Path | None = None
    """Folder with the password of every service's user: who makes topics makes users by it."""
    kafka_replicas: int = Field(default=1, ge=1)
    """On how many servers each topic is kept; 3 in a cluster."""
    kafka_min_insync: int = Field(default=1, ge=1)
    """How many of them must have what is acknowledged; 2 in a cluster."""
    replay_from: AwareDatetime | None = None
    """Start of the replay clock; without it the process lives in ordinary time."""
    upstream: str = "http://{service}:8000"
    """Where the gateway finds a service that is a process of its own."""
    upstreams: dict[str, str | list[str]] = {}
    """The same for single services, as JSON; several addresses where a service has several
    processes; wins over `upstream`."""
    drain_seconds: float = Field(default=1.5, ge=0, le=60)
    """How long a service alone in its process, asked to stop, goes on serving while it says so."""

    def share(self, kind: type[S]) -> S:
        """Return the settings of a service of this process: its own, and these for the rest.

        A process that was told no address of its own is the one it listens on.
        """
        told = {name: getattr(self, name) for name in self.model_fields_set}
        told.setdefault("source", f"http://{self.host}:{self.port}")
        return kind.model_validate(
            {
                _alias(name): value
                for name, value in told.items()
                if name in ServiceSettings.model_fields
            }
        )

    def addresses(self, services: Iterable[str]) -> dict[str, list[str]]:
        """Return the addresses of each of the services."""
        told = {
            name: self.upstreams.get(name) or self.upstream.replace("{service}", name)
            for name in services
        }
        return {name: [each] if isinstance(each, str) else each for name, each in told.items()}

    def credentials(self) -> Credentials | None:
        """Return who this process is to Kafka, if Kafka asks."""
        if self.kafka_username is None or self.kafka_password is None:
            return None
        return Credentials(
            self.kafka_username, self.kafka_password.get_secret_value(), self.kafka_ca_file
        )

    @model_validator(mode="after")
    def _name_and_password(self) -> Self:
        if self.kafka_username and not self.kafka_password:
            raise ValueError(f"KAFKA_USERNAME is {self.kafka_username}: KAFKA_PASSWORD is missing")
        if self.kafka_ca_file and not self.kafka_username:
            raise ValueError("KAFKA_CA_FILE is set: KAFKA_USERNAME is missing")
        return self

    def keyring(self) -> Keyring:
        """Return the installation's keys."""
        return Keyring.from_environment(self.data, os.environ)
