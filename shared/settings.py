"""What every service can be told from outside, by environment variables or files of secrets."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Settings that all services share; `ANDAN_…` variables, and three that others also read.

    Without DATABASE_URL the store is a file below the data folder; without
    KAFKA_BOOTSTRAP_SERVERS the bus is the embedded log.
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

    def store_url(self, service: str) -> str:
        """Return the address of the store of `service`."""
        if self.database_url:
            return self.database_url.replace("{service}", service)
        return f"sqlite:///{self.data / 'stores' / service}.sqlite"
