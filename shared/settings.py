"""What every service can be told from outside, by environment variables or files of secrets."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from shared.security.keyring import SECRETS_VARIABLE


class ServiceSettings(BaseSettings):
    """Settings that all services share; `ANDAN_…` variables, and three that others also read.

    Where ANDAN_SECRETS names a folder, a setting that no variable gives is read from the file of
    the variable's name there (`database_url`), beside the keys. Without DATABASE_URL the store is
    a file below the data folder; without KAFKA_BOOTSTRAP_SERVERS the bus is the embedded log.
    """

    model_config = SettingsConfigDict(env_prefix="ANDAN_", extra="ignore", frozen=True)

    data: Path = Path("var")
    """Folder of an embedded installation: stores, log, keys, mails."""
    source: str = "https://andan.example"
    """Absolute URI of this installation: the `ce_source` of its messages, the root of its links."""
    database_url: Annotated[str | None, Field(validation_alias="DATABASE_URL")] = None
    """PostgreSQL address; `{service}` in it is replaced by the service's name."""
    database_pool: int = Field(default=16, ge=1, le=200)
    """Connections to PostgreSQL per service process."""
    instance: str = Field(default="", max_length=40, pattern=r"^[A-Za-z0-9._-]*$")
    """Which of several processes of a service this is; one that is told comes back as itself."""
    session_seconds: float = Field(default=10, ge=1, le=300)
    """After how long without a sign of life Kafka gives a process's partitions to others."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look at what the code says, then at variables, then at the files of secrets."""
        files = SecretsSettingsSource(settings_cls, secrets_dir=os.environ.get(SECRETS_VARIABLE))
        return init_settings, env_settings, files

    def store_url(self, service: str) -> str:
        """Return the address of the store of `service`."""
        if self.database_url:
            return self.database_url.replace("{service}", service)
        return f"sqlite:///{self.data / 'stores' / service}.sqlite"
