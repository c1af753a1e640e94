"""A real Apache Kafka for tests and for one-machine runs: one KRaft node, a child process."""

import atexit
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.messaging.principals import ADMIN, SERVER, server_jaas
from shared.testing.jars import NoKafka, jars, java
from shared.testing.ports import free_port

START_SECONDS = 90.0
STOP_SECONDS = 15.0
TRIES = 3

# Quick and small: no waiting for a group's first members, one partition where Kafka makes fifty.
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "log.segment.bytes": "16777216",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.cleaner.threads": "1",
    "num.io.threads": "4",
}
JVM = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Xss512k",
    "-Dorg.apache.logging.log4j.level=WARN",
)


class KafkaServer:
    """Kafka on 127.0.0.1. Without a folder it makes a temporary one, which `stop` deletes.

    A temporary one does not outlive the process that made it, unless that was killed.

    `kill` and a second `start` keep port and data: the server is the same one, back again.
    `settings` override those above. With `admin_password` it has principals: whoever connects
    says who he is, the administrator by that password, and may do only what a rule allows.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        settings: dict[str, str] | None = None,
        admin_password: str | None = None,
    ) -> None:
        self.admin_password = admin_password
        self._is_temporary = folder is None
        if self._is_temporary:
            atexit.register(self.discard)
        self._folder = (folder or Path(tempfile.mkdtemp(prefix="andan-kafka-"))).resolve()
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._properties = self._folder / "server.properties"
        self._jaas = self._folder / "jaas.conf"
        self._port_file = self._folder / "port"
        self.port = int(self._port_file.read_text()) if self._port_file.exists() else 0

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process id, or None."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Format where there is no data, start, and wait for an answer that lists a broker.

        A first start tries three ports. Raise `NoKafka` when Java or the jars cannot be had, and
        `RuntimeError`, with the end of its log, when the server does not come up.
        """
        program, folder = java(), jars()
        is_first = not self.port
        for attempt in range(TRIES):
            if is_first:
                self.port, controller = free_port(), free_port()
                while controller == self.port:
                    controller = free_port()
                self._configure(controller)
                self._format(program, folder)
            elif self.admin_password:  # it may have been without
                self._configure(self._controller_port())
            self._launch(program, folder)
            if self._answers_in_time():
                return self
            self.kill()
            if not is_first or attempt == TRIES - 1:
                break
            shutil.rmtree(self._folder / "data", ignore_errors=True)
        msg = f"Kafka did not start: {self.log_tail()}"
        raise RuntimeError(msg)

    def stop(self) -> None:
        """End it in an orderly way (SIGTERM), by force after 15 s; delete a temporary folder."""
        if self.is_running and self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None
        if self._is_temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    def terminate(self) -> None:
        """End it in an orderly way and keep its data, also in a temporary folder."""
        kept, self._is_temporary = self._is_temporary, False
        try:
            self.stop()
        finally:
            self._is_temporary = kept

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL); the data stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def discard(self) -> None:
        """Kill it and delete its folder: the quickest end for one that nobody needs again."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
        atexit.unregister(self.discard)

    def log_tail(self, characters: int = 2000) -> str:
        """Return the end of what the server wrote."""
        log = self._folder / "server.log"
        return log.read_text(errors="replace")[-characters:] if log.exists() else "(no log)"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _configure(self, controller: int) -> None:
        protocol = "SASL_PLAINTEXT" if self.admin_password else "PLAINTEXT"
        settings = SETTINGS | {
            "listeners": f"{protocol}://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "listener.security.protocol.map": f"CONTROLLER:{protocol},{protocol}:{protocol}",
            "inter.broker.listener.name": protocol,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": str(self._folder / "data"),
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        if self.admin_password:
            settings |= SERVER
            self._jaas.touch(mode=0o600)
            self._jaas.write_text(server_jaas(self.admin_password))
        settings |= self._settings
        self._properties.write_text(
            "".join(f"{name}={value}\n" for name, value in settings.items())
        )

    def _controller_port(self) -> int:
        told = dict(line.split("=", 1) for line in self._properties.read_text().splitlines())
        return int(told["controller.quorum.voters"].rpartition(":")[2])

    def _format(self, program: str, folder: Path) -> None:
        # A cluster id that begins with "-" would be taken for an option.
        cluster = secrets.token_urlsafe(16).replace("-", "A")
        done = subprocess.run(  # noqa: S603  # our own Java with our own arguments
            [
                program, *JVM, "-cp", f"{folder}/*", "kafka.tools.StorageTool",
                "format", "-t", cluster, "-c", str(self._properties),
            ],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            msg = f"Kafka's storage could not be formatted: {done.stdout}{done.stderr}"
            raise RuntimeError(msg)
        self._port_file.write_text(str(self.port))

    def _launch(self, program: str, folder: Path) -> None:
        logins = [f"-Djava.security.auth.login.config={self._jaas}"] if self.admin_password else []
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own Java with our own arguments
                [
                    program, *JVM, *logins, "-cp", f"{folder}/*", "kafka.Kafka",
                    str(self._properties),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=self._folder, start_new_session=True,
            )  # fmt: skip

    def _answers_in_time(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.is_running:
            if answers(self.bootstrap_servers, self.admin_password):
                return True
            time.sleep(0.05)
        return False


class DockerKafka:
    """Kafka in a container, for machines whose Docker engine answers."""

    IMAGE = "apache/kafka:4.4.0"

    def __init__(self) -> None:
        self.port = free_port()
        self._container = ""

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self.port}"

    @staticmethod
    def is_there() -> bool:
        """Whether an engine answers; a client without one is common."""
        if shutil.which("docker") is None:
            return False
        try:
            return _docker("info", timeout=10).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def start(self) -> Self:
        """Run the image and wait for an answer; raise `NoKafka` when it cannot be had."""
        settings = SETTINGS | {
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.voters": "1@localhost:9093",
        }
        variables = [
            argument
            for name, value in settings.items()
            for argument in ("-e", f"KAFKA_{name.upper().replace('.', '_')}={value}")
        ]
        publish = f"127.0.0.1:{self.port}:9092"
        try:
            done = _docker("run", "-d", "--rm", "-p", publish, *variables, self.IMAGE, timeout=300)
        except subprocess.TimeoutExpired as error:
            msg = f"the image {self.IMAGE} did not come within 300 s"
            raise NoKafka(msg) from error
        if done.returncode:
            msg = f"the image {self.IMAGE} cannot be run: {done.stderr[-500:]}"
            raise NoKafka(msg)
        self._container = done.stdout.strip()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if answers(self.bootstrap_servers):
                return self
            time.sleep(0.1)
        self.discard()
        msg = f"the container of {self.IMAGE} did not answer"
        raise NoKafka(msg)

    def discard(self) -> None:
        """Kill and remove the container."""
        if self._container:
            _docker("rm", "-f", self._container, timeout=60)


def answers(bootstrap_servers: str, admin_password: str | None = None) -> bool:
    """Return whether a server answers a Metadata request and lists at least one broker.

    With a password the question is asked as the administrator; a refusal is no answer.
    """
    host, _, port = bootstrap_servers.split(",", maxsplit=1)[0].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            if admin_password is not None:
                _ask(connection, _HANDSHAKE, 1, _text("PLAIN"))
                login = f"\0{ADMIN}\0{admin_password}".encode()
                refused = _ask(connection, _AUTHENTICATE, 0, struct.pack(">i", len(login)) + login)
                if int.from_bytes(refused[:2]):
                    return False
            brokers = _ask(connection, _METADATA, 1, struct.pack(">i", 0))  # of no topic
    except OSError:
        return False
    return int.from_bytes(brokers[:4]) > 0


_METADATA, _HANDSHAKE, _AUTHENTICATE = 3, 17, 36  # as the protocol numbers its requests


def _ask(connection: socket.socket, key: int, version: int, body: bytes) -> bytes:
    request = struct.pack(">hhi", key, version, 1) + _text("andan") + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", _receive(connection, 4))
    return _receive(connection, size)[4:]  # after the number of the request


def _receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        if not (part := connection.recv(size - len(received))):
            raise ConnectionError("the server hung up")
        received += part
    return received


def _text(word: str) -> bytes:
    return struct.pack(">h", len(word)) + word.encode()


def obtain() -> KafkaServer | DockerKafka:
    """Start a Kafka: in Docker where an engine answers, else from its jars.

    Raise `NoKafka` where neither can be had.
    """
    reason = ""
    if DockerKafka.is_there():
        try:
            return DockerKafka().start()
        except NoKafka as error:
            reason = f"{error}; "
    server = KafkaServer()
    try:
        return server.start()
    except NoKafka as error:
        server.discard()
        msg = f"{reason}{error}"
        raise NoKafka(msg) from error
    except RuntimeError:
        server.discard()
        raise


def _docker(*arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # the docker client, with our own arguments
        ["docker", *arguments],  # noqa: S607  # wherever it is installed
        capture_output=True, text=True, timeout=timeout, check=False, env=dict(os.environ),
    )  # fmt: skip
