"""What a process can be told from outside, beside the settings of the services it runs."""

import os
from collections.abc import Iterable
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, Field

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
    replay_from: AwareDatetime | None = None
    """Start of the replay clock; without it the process lives in ordinary time."""
    upstream: str = "http://{service}:8000"
    """Where the gateway finds a service that is a process of its own."""
    upstreams: dict[str, str] = {}
    """The same for single services, as JSON; wins over `upstream`."""

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

    def addresses(self, services: Iterable[str]) -> dict[str, str]:
        """Return the address of each of the services."""
        return {
            name: self.upstreams.get(name, self.upstream.replace("{service}", name))
            for name in services
        }

    def keyring(self) -> Keyring:
        """Return the installation's keys."""
        return Keyring.from_environment(self.data, os.environ)
