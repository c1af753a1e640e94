"""The journey with every service its own process, on a real Kafka and a real PostgreSQL."""

import asyncio
import json
from pathlib import Path

import pytest

from services.topology import BEHIND, SERVICES, WITH_STORE
from shared.security.keyring import Keyring
from shared.testing.kafka import KafkaServer
from shared.testing.ports import free_port
from shared.testing.postgres import Databases
from tests.failures.processes import Child, ended
from tests.journeys.house import entered
from tests.journeys.journey import BEGIN, travel

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.connected,
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.postgres,
]


async def fleet(folder: Path, kafka: KafkaServer, postgres: Databases) -> dict[str, Child]:
    """Return a process for each service, on databases and keys of their own."""
    Keyring.open(folder / "keys").make_all()
    mark = folder.name.replace("-", "_")
    for name in WITH_STORE:
        await postgres.create_database(f"{mark}_{name}")
    ports = {name: free_port() for name in SERVICES}
    upstreams = {name: f"http://127.0.0.1:{ports[name]}" for name in BEHIND}
    environment = {
        "ANDAN_DATA": str(folder),
        "ANDAN_SOURCE": f"http://127.0.0.1:{ports['gateway']}",
        "ANDAN_GATEWAY": f"http://127.0.0.1:{ports['gateway']}",
        "ANDAN_REPLAY_FROM": BEGIN.isoformat(),
        "ANDAN_UPSTREAMS": json.dumps(upstreams),
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "DATABASE_URL": postgres.url(f"{mark}_{{service}}"),
    }
    return {
        name: Child(
            "services", name, log=folder / f"{name}.txt", port=ports[name], environment=environment
        )
        for name in ports
    }


@pytest.mark.timeout(240)
async def test_the_journey_in_a_process_for_each_service(
    tmp_path: Path, kafka_server: KafkaServer, postgres_server: Databases
) -> None:
    """The same journey, step by step; then every process stops cleanly."""
    children = await fleet(tmp_path, kafka_server, postgres_server)
    with ended(*children.values()):
        for child in children.values():
            child.start()
        await asyncio.gather(*(child.until_ready() for child in children.values()))
        async with entered(children["gateway"].url, tmp_path, tmp_path / "mail") as house:
            await travel(house)
        for name, child in reversed(children.items()):
            assert child.terminate() == 0, f"{name}: {child.said[-2000:]}"
    for name, child in children.items():
        assert "Traceback" not in child.said, f"{name}: {child.said[-3000:]}"
