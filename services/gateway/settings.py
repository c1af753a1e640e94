"""What the gateway can be told from outside."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Limits, queues and patience of the public address; `ANDAN_…` variables."""

    model_config = SettingsConfigDict(hide_input_in_errors=True)

    smtp_url: Annotated[SecretStr | None, Field(validation_alias="SMTP_URL")] = None
    """Told here too, so that readers can be told whether mail goes out; it is not used."""
    rate_public_a_minute: int = Field(default=60, ge=1, le=1_000_000)
    """Requests a minute from one network (/24, /64) that shows no key."""
    rate_page_a_minute: int = Field(default=600, ge=1, le=1_000_000)
    """Pages a minute for one network, with all that they load."""
    rate_key_a_second: int = Field(default=100, ge=1, le=1_000_000)
    """Requests a second of one key, over time."""
    rate_key_burst: int = Field(default=500, ge=1, le=1_000_000)
    """Requests of one key at once, after a silence."""
    admission_in_flight: int = Field(default=64, ge=1, le=10_000)
    """Writing requests handled at once."""
    admission_waiting: int = Field(default=1_000, ge=0, le=100_000)
    """Writing requests that may wait for their turn; more are turned away."""
    admission_patience_seconds: float = Field(default=10, gt=0, le=300)
    """How long a writing request waits for its turn."""
    key_cache_seconds: float = Field(default=10, ge=0, le=3_600)
    """How long another process may go on taking a key that was revoked here."""
    upstream_seconds: float = Field(default=30, gt=0, le=300)
    """How long a service in another process has for an answer."""
    upstream_connections: int = Field(default=100, ge=1, le=10_000)
    """Connections to each service in another process."""
    clock_patience_seconds: float = Field(default=60, gt=0, le=3_600)
    """How long the house may take to come to rest at one instant of the replay clock."""
    streams_per_key: int = Field(default=5, ge=1, le=1_000)
    """Streams of messages that one key or session may hold open at a process."""
    streams_at_once: int = Field(default=500, ge=1, le=10_000)
    """Streams of messages that a process holds open in all."""
    stream_proof_seconds: float = Field(default=30, gt=0, le=60)
    """How long a stream goes on before its key is looked up again."""

    @property
    def mail(self) -> Literal["smtp", "rehearsal"]:
        """Whether letters go out, or lie in the rehearsal's inbox."""
        return "rehearsal" if self.smtp_url is None else "smtp"
