"""How a process says to Kafka who it is, and how it learns that it is not believed."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from ssl import create_default_context
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram512

from shared.messaging.principals import ADMIN

_NOT_BELIEVED = (AuthenticationFailedError, SaslAuthenticationFailed)
_NOT_UNDERSTOOD = (IllegalSaslStateError, UnsupportedSaslMechanismError)


class LoginRefused(Exception):
    """Kafka answers, but does not let this user in

    Waiting does not help: the name or the password is another one there.
    """


@dataclass(frozen=True)
class Credentials:
    """A user of Kafka: the administrator logs in by PLAIN, everybody else by SCRAM-SHA-512.

    With `ca_file` the connection is encrypted, and the server's certificate is held against it.
    """

    username: str
    password: str = field(repr=False)
    ca_file: Path | None = None

    def security(self) -> BaseSecurity:
        """Return the same as FastStream wants to have it."""
        logging.getLogger("aiokafka.conn").addFilter(_is_news)
        kind = SASLPlaintext if self.username == ADMIN else SASLScram512
        context = create_default_context(cafile=self.ca_file) if self.ca_file else None
        return kind(self.username, self.password, ssl_context=context, use_ssl=bool(context))


def _is_news(record: logging.LogRecord) -> bool:
    # aiokafka warns of PLAIN without encryption, once for each connection.  # ADR-0024
    return not record.getMessage().startswith("Sending username and password in the clear")


async def check_login(connection: Mapping[str, Any]) -> bool:
    """Connect to the first server that can be reached, and say whether there was one.

    `connection` is what aiokafka's clients are given, which tell of a wrong password as of a
    server that is away. Raises LoginRefused.
    """
    options = {name: value for name, value in connection.items() if name != "bootstrap_servers"}
    user = options.get("sasl_plain_username")
    for host, port, _ in collect_hosts(connection["bootstrap_servers"]):
        try:
            opened = await create_conn(host, port, **options)
        except _NOT_BELIEVED as error:
            msg = f"Kafka at {host}:{port} does not let {user} in with this password: {error}"
            raise LoginRefused(msg) from error
        except _NOT_UNDERSTOOD as error:
            msg = f"Kafka at {host}:{port} knows no users, or not {options['sasl_mechanism']}"
            raise LoginRefused(msg) from error
        except (OSError, KafkaError, TimeoutError):
            continue
        try:
            await opened.send(MetadataRequest([]))
        except KafkaError as error:
            msg = (
                f"Kafka at {host}:{port} lets nobody in who does not say who he is: "
                "KAFKA_USERNAME and KAFKA_PASSWORD are needed"
            )
            raise LoginRefused(msg) from error
        finally:
            opened.close()
        return True
    return False
