"""A cluster of three Kafka nodes for tests, of which any can be killed and started again."""

import asyncio
import atexit
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import BrokerNotAvailableError, KafkaError

from shared.testing.jars import jars, java
from shared.testing.kafka import JVM, SETTINGS, KafkaServer
from shared.testing.ports import free_port

A = TypeVar("A")
B = TypeVar("B")

NODES = 3
LOOK_EVERY_SECONDS = 0.1

# A killed node is noticed after two seconds. What Kafka keeps for itself is on all nodes too.
CLUSTER_SETTINGS = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    "min.insync.replicas": "2",
    "default.replication.factor": "3",
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "300",
    "controller.quorum.election.timeout.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1000",
    "replica.lag.time.max.ms": "5000",
}


class KafkaCluster:
    """Three nodes on 127.0.0.1, each both broker and controller; `discard` ends and deletes them.

    `settings` override those above, for every node. `kill` and `start_again` of one node keep its
    port and data.
    """

    def __init__(self, *, settings: Mapping[str, str] | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="andan-cluster-")).resolve()
        self._settings = dict(settings or {})
        self.nodes: list[KafkaServer] = []
        atexit.register(self.discard)

    @property
    def bootstrap_servers(self) -> str:
        """The addresses for clients: of all nodes, whether they run or not."""
        return ",".join(node.bootstrap_servers for node in self.nodes)

    def start(self) -> Self:
        """Format and start all nodes together, and wait until each answers.

        Raise `NoKafka` when Java or the jars cannot be had, and `RuntimeError` when a node does
        not come up.
        """
        ports = _different_ports(2 * NODES)
        voters = ",".join(f"{n + 1}@127.0.0.1:{ports[NODES + n]}" for n in range(NODES))
        # A cluster id that begins with "-" would be taken for an option.
        cluster = secrets.token_urlsafe(16).replace("-", "A")
        settings = SETTINGS | CLUSTER_SETTINGS | {"controller.quorum.voters": voters}

        def prepare(number: int) -> KafkaServer:
            port, controller = ports[number], ports[NODES + number]
            folder = self._folder / f"node{number + 1}"
            own = {
                "node.id": str(number + 1),
                "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
                "log.dirs": str(folder / "data"),
            }
            _format(folder, settings | own | self._settings, cluster, port)
            return KafkaServer(folder)

        self.nodes = _together(prepare, range(NODES))
        _together(KafkaServer.start, self.nodes)
        return self

    def kill(self, number: int) -> None:
        """End one node (0, 1, 2) as a power cut would; its data stays."""
        self.nodes[number].kill()

    def start_again(self, number: int) -> None:
        """Start a node that was ended, and wait until it answers (not until it caught up)."""
        self.nodes[number].start()

    async def until_in_sync(self, seconds: float = 60) -> None:
        """Wait until every partition has all its replicas in sync, on all three nodes."""
        async with asyncio.timeout(seconds):
            while not await self._is_in_sync():  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    def discard(self) -> None:
        """Kill all nodes and delete what they held.

        Asked to end in an orderly way, the last of them would wait for a quorum that is no more.
        """
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
        atexit.unregister(self.discard)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    async def too_few_replicas(self, prefix: str) -> list[str]:
        """Name the partitions of these topics that are not on all nodes."""
        return [
            f"replicas: {topic['topic']}/{partition['partition']} has {partition['replicas']}"
            for topic in await self._topics()
            for partition in topic["partitions"]
            if topic["topic"].startswith(prefix) and len(partition["replicas"]) < NODES
        ]

    async def _is_in_sync(self) -> bool:
        try:
            topics = await self._topics()
        except (KafkaError, OSError):
            return False
        return all(
            len(partition["isr"]) == len(partition["replicas"]) and partition["leader"] >= 0
            for topic in topics
            for partition in topic["partitions"]
        )

    async def _topics(self) -> list[dict[str, Any]]:
        """Describe all topics, once every node is a member of the cluster."""
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self.bootstrap_servers, request_timeout_ms=3000
        )
        try:
            await admin.start()
            if len((await admin.describe_cluster())["brokers"]) < NODES:
                raise BrokerNotAvailableError
            topics: list[dict[str, Any]] = await admin.describe_topics()
            return topics
        finally:
            await admin.close()


def _format(folder: Path, settings: Mapping[str, str], cluster: str, port: int) -> None:
    folder.mkdir(parents=True)
    properties = folder / "server.properties"
    properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    done = subprocess.run(  # noqa: S603  # our own Java with our own arguments
        [
            java(), *JVM, "-cp", f"{jars()}/*", "kafka.tools.StorageTool",
            "format", "-t", cluster, "-c", str(properties),
        ],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode:
        msg = f"the node's storage could not be formatted: {done.stdout}{done.stderr}"
        raise RuntimeError(msg)
    (folder / "port").write_text(str(port))  # a folder with a port is one that was formatted


def _together(do: Callable[[A], B], each: Iterable[A]) -> list[B]:
    with ThreadPoolExecutor(NODES) as threads:
        return list(threads.map(do, each))


def _different_ports(count: int) -> list[int]:
    ports: dict[int, None] = {}
    while len(ports) < count:
        ports[free_port()] = None
    return list(ports)
