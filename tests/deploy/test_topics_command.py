"""Topics, users and rules as code, on a real Kafka set up as the containers' is."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from services.access import every_rule
from services.commands.cli import app
from services.commands.secret_files import PASSWORDS, secret_files
from services.settings import ProcessSettings
from services.topology import PARTS, topics_of
from shared.messaging.broker import KafkaBus
from shared.messaging.credentials import Credentials
from shared.messaging.declaration import milliseconds
from shared.messaging.kafka_protocol import AlterUsers, CreateAcls, DescribeUsers
from shared.messaging.principals import ADMIN, Rule
from shared.testing.jars import NoKafka
from shared.testing.kafka import KafkaServer
from tests.architecture.sources import ROOT
from tests.deploy.compose import containers, services
from tests.required import unavailable

pytestmark = pytest.mark.kafka

OF_THE_CONTAINER = {
    "KAFKA_LISTENERS",
    "KAFKA_ADVERTISED_LISTENERS",
    "KAFKA_CONTROLLER_QUORUM_VOTERS",
    "KAFKA_LOG_DIRS",
    "KAFKA_HEAP_OPTS",
    "KAFKA_OPTS",
}
"""Where it listens and lies, which is another place here."""

DELIVERIES = "andan.notifications.delivery.v1"


@dataclass
class Composed:
    """A Kafka as the compose file describes it, and the folder of everybody's secrets."""

    server: KafkaServer
    secrets: Path

    def environment(self, container: str) -> dict[str, str]:
        """Return what a container is told, with the places that it has here."""
        told = dict(containers()[container]["environment"])
        told["KAFKA_BOOTSTRAP_SERVERS"] = self.server.bootstrap_servers
        told["ANDAN_SECRETS"] = str(self.secrets / container)
        if container == "topics":
            told["ANDAN_KAFKA_PASSWORDS"] = str(self.secrets / "topics" / PASSWORDS)
        return told

    def topics(self, *arguments: str) -> tuple[int, list[str]]:
        """Run the one-shot; return its status and what it said, a line each."""
        done = CliRunner().invoke(app, ["topics", *arguments], env=self.environment("topics"))
        return done.exit_code, done.output.splitlines()

    def bus(self, service: str, monkeypatch: pytest.MonkeyPatch) -> KafkaBus:
        """Return the bus that a service's container would have."""
        for name, value in self.environment(service).items():
            monkeypatch.setenv(name, value)
        settings = ProcessSettings()
        assert settings.kafka_bootstrap_servers
        return KafkaBus(settings.kafka_bootstrap_servers, credentials=settings.credentials())

    @property
    def connection(self) -> dict[str, object]:
        """How the administrator connects."""
        password = self.server.admin_password or ""
        security = Credentials(ADMIN, password).security()
        bus = KafkaBus(self.server.bootstrap_servers, credentials=Credentials(ADMIN, password))
        assert security.use_ssl is False
        return bus._connection("suite")


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """A Kafka with the settings of the container, its topics, users and rules made once."""
    secrets = tmp_path_factory.mktemp("house") / "secrets"
    mask = os.umask(0o077)
    secret_files(secrets)
    os.umask(mask)
    told = containers()["kafka"]["environment"]
    settings = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in told.items()
        if name.startswith("KAFKA_") and name not in OF_THE_CONTAINER
    }
    password = (secrets / "topics" / "kafka_password").read_text().strip()
    server = KafkaServer(settings=settings, admin_password=password)
    try:
        try:
            server.start()
        except NoKafka as error:
            unavailable(f"no Kafka: {error}")
        it = Composed(server, secrets)
        status, said = it.topics()
        assert status == 0, said
        yield it
    finally:
        server.discard()


def test_a_second_run_changes_nothing(composed: Composed) -> None:
    """The one-shot runs at every start of the containers, and has nothing to do."""
    assert composed.topics() == (0, ["0 changes"])
    assert composed.topics("--check") == (0, ["0 differences"])


def test_kafka_reads_the_file_of_logins_that_was_made(composed: Composed) -> None:
    """What the container mounts is what this server was started with."""
    jaas = (composed.secrets / "kafka" / "jaas.conf").read_text()
    assert jaas == (composed.server._folder / "jaas.conf").read_text()


@pytest.mark.parametrize("service", PARTS)
def test_every_container_is_let_in(
    composed: Composed, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what its container is told and sees, each service finds its topics."""
    assert service in services()

    async def find() -> None:
        bus = composed.bus(service, monkeypatch)
        await bus.start()
        try:
            async with asyncio.timeout(20):
                await bus.wait_for(topics_of(PARTS[service]))
        finally:
            await bus.stop()

    asyncio.run(find())


def test_a_wrong_password_ends_the_process(composed: Composed, tmp_path: Path) -> None:
    """A service that is not believed ends at once, with a sentence that names the user."""
    told = composed.environment("events") | {"KAFKA_PASSWORD": "guessed", "PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "services", "events"],
        env={**os.environ, **told, "ANDAN_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert "Andan cannot start. Kafka at 127.0.0.1:" in done.stderr
    assert "does not let andan.events in with this password" in done.stderr
    assert "guessed" not in done.stdout + done.stderr


def test_only_looking_changes_nothing(composed: Composed) -> None:
    """With --check each difference is told and left; without it, what loses nothing is mended."""
    set_retention(composed, timedelta(days=30))
    line = f"{DELIVERIES}: retention.ms is 30 days, declared 90 days"
    for _ in range(2):
        assert composed.topics("--check") == (1, [line, "1 differences"])
    assert composed.topics() == (0, [line, "1 changes"])
    assert composed.topics("--check") == (0, ["0 differences"])


def test_a_loss_is_refused_in_a_sentence(composed: Composed) -> None:
    """What a topic holds is not shortened until somebody says that he means it."""
    set_retention(composed, None)
    status, said = composed.topics()
    assert status == 1
    refused = f"Topic {DELIVERIES}: retention.ms is for ever, declared 90 days"
    assert said[-1] == f"Andan cannot start. {refused} (what is older would be lost)."
    assert composed.topics("--check")[0] == 1
    status, said = composed.topics("--accept-loss")
    assert (status, len(said)) == (0, 2)
    assert composed.topics("--check") == (0, ["0 differences"])


def test_a_new_password_is_handed_on(composed: Composed) -> None:
    """A user's password is made new only where it is another one than the file says."""
    (composed.secrets / "topics" / PASSWORDS / "reporting").write_text("another\n")
    line = "user andan.reporting: missing, or has another password"
    assert composed.topics("--check") == (1, [line, "1 differences"])
    assert composed.topics() == (0, [line, "1 changes"])
    assert composed.topics() == (0, ["0 changes"])


def test_what_nobody_should_have_is_taken_back(composed: Composed) -> None:
    """Rules too many and users of no service go; whoever is not named as ours are stays."""
    bookings = (2, "andan.booking.", 4)  # a topic, by prefix
    write, allow = 4, 3
    asyncio.run(
        send(
            composed,
            CreateAcls(
                [
                    (*bookings, "User:andan.events", "*", write, allow),
                    (*bookings, "User:analyst", "*", write, allow),
                ]
            ),
            AlterUsers(
                [],
                [(name, 2, 4096, b"salt", b"x" * 64) for name in ("andan.former", "analyst")],
            ),
        )
    )
    told = [
        "user andan.former: belongs to no service",
        "rule too many: andan.events may WRITE every topic andan.booking.…",
    ]
    assert composed.topics("--check") == (1, [*told, "2 differences"])
    assert composed.topics() == (0, [*told, "2 changes"])
    assert composed.topics() == (0, ["0 changes"])
    (users,) = asyncio.run(send(composed, DescribeUsers()))
    assert {each["user"] for each in users["results"]} == {
        "analyst",
        *(f"andan.{name}" for name in PARTS),
    }


def test_there_must_be_a_kafka() -> None:
    """The embedded house makes its topics itself: there is nothing to do for the one-shot."""
    done = CliRunner().invoke(app, ["topics"], env={"KAFKA_BOOTSTRAP_SERVERS": None})
    assert done.exit_code == 1
    assert "KAFKA_BOOTSTRAP_SERVERS names no Kafka" in done.output


def test_who_may_do_what(capsys: pytest.CaptureFixture[str]) -> None:
    """No service may write another's topics or join its groups; each reads what it hears."""
    rules = every_rule()
    print(table(rules))  # noqa: T201 -- the table is for whoever looks at this test
    assert "events        writes andan.events.… hears" in capsys.readouterr().out
    for name, parts in PARTS.items():
        own, user = f"andan.{name}.", f"andan.{name}"
        mine = [rule for rule in rules if rule.principal == user]
        assert {each[1:] for each in mine if each.operation == "WRITE"} == {
            ("topic", own, True, "WRITE")
        }
        assert {each.name for each in mine if each.resource == "group"} == {own}
        heard = {topic for each in parts.subscriptions for topic in each.topics}
        read = [each for each in mine if (each.resource, each.operation) == ("topic", "READ")]
        assert {each.name for each in read} == heard
        assert not any(each.is_prefix for each in read)
    assert {rule.operation for rule in rules} == {"READ", "WRITE", "DESCRIBE"}
    assert len({rule.principal for rule in rules}) == len(PARTS)


def table(rules: list[Rule]) -> str:
    """Return a line for each service: what it writes, and what it hears."""
    lines = []
    for name in PARTS:
        mine = [rule for rule in rules if rule.principal == f"andan.{name}"]
        writes = ", ".join(f"{each.name}…" for each in mine if each.operation == "WRITE")
        hears = ", ".join(
            each.name for each in mine if (each.resource, each.operation) == ("topic", "READ")
        )
        lines.append(f"{name:14}writes {writes} hears {hears or 'nothing'}")
    return "\n".join(lines)


def set_retention(composed: Composed, kept: timedelta | None) -> None:
    """Have one topic kept for another time than declared, as somebody else would."""
    settings = {
        "retention.ms": str(milliseconds(kept) or -1),
        "cleanup.policy": "delete",
        "min.insync.replicas": "1",
    }

    async def alter() -> None:
        admin = AIOKafkaAdminClient(**composed.connection)
        await admin.start()
        try:
            resource = ConfigResource(ConfigResourceType.TOPIC, DELIVERIES, settings)
            await admin.alter_configs([resource])
            async with asyncio.timeout(20):
                while await retention(admin) != settings["retention.ms"]:
                    await asyncio.sleep(0.05)
        finally:
            await admin.close()

    asyncio.run(alter())


async def retention(admin: AIOKafkaAdminClient) -> str:
    """Return for how long the topic is kept."""
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, DELIVERIES)])
    ((_, _, _, _, entries),) = answer.resources
    return str(next(entry[1] for entry in entries if entry[0] == "retention.ms"))


async def send(composed: Composed, *requests: object) -> list[dict[str, list[dict[str, str]]]]:
    """Send requests as the administrator; return the answers."""
    admin = AIOKafkaAdminClient(**composed.connection)
    await admin.start()
    try:
        return [(await admin._send_request(each)).to_object() for each in requests]
    finally:
        await admin.close()
