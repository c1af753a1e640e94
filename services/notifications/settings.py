"""What notifications can be told from outside, beside what every service can."""

from email.utils import parseaddr
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Where mail goes: to an SMTP server, or without one into files below the data folder."""

    model_config = SettingsConfigDict(hide_input_in_errors=True)

    smtp_url: Annotated[SecretStr | None, Field(validation_alias="SMTP_URL")] = None
    """`smtp://[user:password@]host[:port]`; `smtps://` speaks TLS from the first byte."""
    smtp_timeout_seconds: float = Field(default=30, gt=0, le=300)
    """How long a mail server may take for each answer."""
    mail_from: str | None = None
    """Address that letters come from; without it `no-reply@` the installation's host."""

    @property
    def host(self) -> str:
        """The name of this installation: the right side of its message ids and calendar ids."""
        return urlsplit(self.source).hostname or "localhost"

    @property
    def sender(self) -> str:
        """The address that letters come from."""
        return self.mail_from or f"no-reply@{self.host}"

    @model_validator(mode="after")
    def _are_addresses(self) -> Self:
        if self.smtp_url is not None:
            parts = urlsplit(self.smtp_url.get_secret_value())
            if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
                raise ValueError("SMTP_URL is smtp://host:port or smtps://host:port")
        if self.mail_from is not None and parseaddr(self.mail_from)[1] != self.mail_from:
            raise ValueError("ANDAN_MAIL_FROM is one bare address")
        return self
