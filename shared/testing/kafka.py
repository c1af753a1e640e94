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

from shared.testing.jars import NoKafka, jars, java
from shared.testing.ports import free_port

START_SECONDS = 30.0
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
    `settings` override those above.
    """

    def __init__(self, folder: Path | None = None, *, settings: dict[str, str] | None = None):
        self._is_temporary = folder is None
        if self._is_temporary:
            atexit.register(self.discard)
        self._folder = (folder or Path(tempfile.mkdtemp(prefix="andan-kafka-"))).resolve()
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
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

    def start(self) -> Self:
        """Format where there is no data, start, and wait for an answer that lists a broker.

        A first start tries three ports. Raise `NoKafka` when Java or the jars cannot be had, and
        `RuntimeError`, with the end of its log, when the server does not come up.
        """
        program, folder = java(), jars()
        is_first = not self.port
        for attempt in range(TRIES):
            if is_first:
                self._configure(program, folder)
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

    def _configure(self, program: str, folder: Path) -> None:
        self.port, controller = free_port(), free_port()
        while controller == self.port:
            controller = free_port()
        settings = SETTINGS | {
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": str(self._folder / "data"),
        }
        settings |= self._settings
        self._folder.mkdir(parents=True, exist_ok=True)
        properties = self._folder / "server.properties"
        properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        # A cluster id that begins with "-" would be taken for an option.
        cluster = secrets.token_urlsafe(16).replace("-", "A")
        done = subprocess.run(  # noqa: S603  # our own Java with our own arguments
            [
                program, *JVM, "-cp", f"{folder}/*", "kafka.tools.StorageTool",
                "format", "-t", cluster, "-c", str(properties),
            ],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            msg = f"Kafka's storage could not be formatted: {done.stdout}{done.stderr}"
            raise RuntimeError(msg)
        self._port_file.write_text(str(self.port))

    def _launch(self, program: str, folder: Path) -> None:
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own Java with our own arguments
                [
                    program, *JVM, "-cp", f"{folder}/*", "kafka.Kafka",
                    str(self._folder / "server.properties"),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=self._folder, start_new_session=True,
            )  # fmt: skip

    def _answers_in_time(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.is_running:
            if answers(self.bootstrap_servers):
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


def answers(bootstrap_servers: str) -> bool:
    """Return whether a server answers a Metadata request and lists at least one broker."""
    host, _, port = bootstrap_servers.split(",", maxsplit=1)[0].rpartition(":")
    client = b"andan"
    # api key 3 (Metadata), version 1, correlation 1, client id, no topics
    body = struct.pack(">hhih", 3, 1, 1, len(client)) + client + struct.pack(">i", 0)
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            head = b""
            while len(head) < 12:  # size, correlation, number of brokers
                received = connection.recv(12 - len(head))
                if not received:
                    return False
                head += received
    except OSError:
        return False
    return int(struct.unpack(">iii", head)[2]) > 0


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
