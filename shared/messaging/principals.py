"""Who may do what on Kafka: a principal per service, its rules, and how a server knows them."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from shared.messaging.subscription import Subscription

ADMIN: Final = "andan"
"""May do everything: makes topics, users and rules, and reads positions for a backup."""

OURS: Final = "andan."
"""How the name of every service's principal begins, and of its topics and groups."""

MECHANISM: Final = "SCRAM-SHA-512"
ADMIN_MECHANISM: Final = "PLAIN"
"""The administrator is known from a file of the server, before there is any SCRAM user."""

SERVER: Final = {
    "sasl.enabled.mechanisms": f"{ADMIN_MECHANISM},{MECHANISM}",
    "sasl.mechanism.inter.broker.protocol": ADMIN_MECHANISM,
    "sasl.mechanism.controller.protocol": ADMIN_MECHANISM,
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": f"User:{ADMIN}",
}
"""What a server with principals is told, beside listeners that all speak SASL."""

_MODULES = "org.apache.kafka.common.security"

Operation = Literal["READ", "WRITE", "DESCRIBE"]


class Rule(NamedTuple):
    """One thing that a principal may do; what no rule allows is refused."""

    principal: str
    resource: Literal["topic", "group"]
    name: str
    is_prefix: bool
    operation: Operation

    def __str__(self) -> str:
        """Say it in a sentence."""
        what = f"every {self.resource} {self.name}…" if self.is_prefix else self.name
        return f"{self.principal} may {self.operation} {what}"


def principal(service: str) -> str:
    """Return the name of a service's user on Kafka."""
    return f"{OURS}{service}"


def rules(service: str, subscriptions: Iterable[Subscription]) -> Iterator[Rule]:
    """Yield all that a service may do.

    It writes its own topics (its dead letters among them), reads what it hears, and takes part
    in groups of its own.
    """
    user, own = principal(service), f"{OURS}{service}."
    yield Rule(user, "topic", own, True, "WRITE")
    yield Rule(user, "topic", own, True, "DESCRIBE")
    yield Rule(user, "group", own, True, "READ")
    yield Rule(user, "group", own, True, "DESCRIBE")
    for topic in sorted({name for each in subscriptions for name in each.topics}):
        yield Rule(user, "topic", topic, False, "READ")
        yield Rule(user, "topic", topic, False, "DESCRIBE")


def server_jaas(password: str) -> str:
    """Return the server's file of logins: the administrator, and SCRAM for everybody else."""
    return (
        "KafkaServer {\n"
        f"  {_MODULES}.plain.PlainLoginModule required\n"
        f'    username="{ADMIN}" password="{password}" user_{ADMIN}="{password}";\n'
        f"  {_MODULES}.scram.ScramLoginModule required;\n"
        "};\n"
    )


def client_properties(password: str) -> str:
    """Return what Kafka's own commands need to be the administrator."""
    return (
        "security.protocol=SASL_PLAINTEXT\n"
        f"sasl.mechanism={ADMIN_MECHANISM}\n"
        f"sasl.jaas.config={_MODULES}.plain.PlainLoginModule required "
        f'username="{ADMIN}" password="{password}";\n'
    )
