"""A full disk under PostgreSQL: refused cleanly, nothing acknowledged is lost, recovered alone."""

import asyncio
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import asyncpg
import httpx2
import pytest

from shared.security.inner import HEADER
from shared.security.keyring import Keyring
from shared.testing.postgres import PostgresServer
from shared.testing.running import ADMIN
from tests.conftest import Rounds
from tests.failures.alone import kafka
from tests.failures.checkers import agree
from tests.failures.effects import told_once
from tests.failures.organisations import ends, told_since
from tests.failures.own_kafka import own_kafka
from tests.failures.processes import Child, ended
from tests.failures.record import note
from tests.failures.test_refusals import MEGABYTE, fill
from tests.required import unavailable

__all__ = ["own_kafka"]

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
]

SMALL = {
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "wal_keep_size": "0",
    "shared_buffers": "16MB",
    "fsync": "off",
    "restart_after_crash": "on",
}
FULL_SECONDS = 6.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 MB of its own, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={200 * MEGABYTE}", "tmpfs", str(folder)]
    tried = shutil.which("mount") and subprocess.run(mount, check=False, capture_output=True)
    if not tried or tried.returncode:
        unavailable("a small disk needs the right to mount one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


class Asker:
    """Asks for organisations, and remembers what was answered."""

    def __init__(self, child: Child, keyring: Keyring) -> None:
        self.child = child
        self.key = keyring.inner_key()
        self.statuses: Counter[int] = Counter()
        self.made: set[str] = set()
        self.unsure = 0
        self.not_problems: list[str] = []

    async def ask(self) -> int:
        """Ask once; return the status, 0 where the connection was lost."""
        body = {"name": "Ö" * 150, "kind": "association", "sector": "association"}
        headers = {HEADER: self.key.mint(ADMIN)}
        async with httpx2.AsyncClient(timeout=60, trust_env=False, headers=headers) as client:
            try:
                answer = await client.post(f"{self.child.url}/v1/organisations", json=body)
            except httpx2.HTTPError:
                self.unsure += 1
                return 0
        self.statuses[answer.status_code] += 1
        if answer.status_code == 201:
            self.made.add(answer.json()["id"])
        elif answer.headers.get("content-type") != "application/problem+json":
            self.not_problems.append(f"unclean: {answer.status_code} {answer.text[:100]}")
        return answer.status_code

    async def until(self, status: int, seconds: float) -> bool:
        """Ask until that is the answer; say whether it was in time."""
        until = monotonic() + seconds
        while await self.ask() != status:
            if monotonic() > until:
                return False
            await asyncio.sleep(0.05)
        return True


@asynccontextmanager
async def directory(folder: Path, url: str, servers: str) -> AsyncIterator[Child]:
    """Run directory as a process of its own."""
    child = Child(
        "services",
        "directory",
        log=folder / "log.txt",
        environment={
            "ANDAN_DATA": str(folder),
            "DATABASE_URL": url,
            "KAFKA_BOOTSTRAP_SERVERS": servers,
        },
    )
    with ended(child):
        await child.start().until_ready()
        yield child
        assert child.terminate() == 0, child.said[-2000:]


async def held(url: str) -> list[str]:
    """Return the ids that the store holds, one for each row."""
    connection = await asyncpg.connect(url)
    try:
        return [row["id"] for row in await connection.fetch("SELECT id FROM organisation")]
    finally:
        await connection.close()


async def fill_up(asker: Asker, disk: Path) -> Path:
    """Take every byte that there is, again and again, until nothing is written any more."""
    ballast = await asyncio.to_thread(fill, disk)
    until = monotonic() + 60
    while not await asker.until(503, 1):
        with ballast.open("ab", buffering=0) as file:
            for size in (MEGABYTE, 65536, 4096):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue
        assert monotonic() < until, "the disk does not get full"
    return ballast


async def test_a_full_disk_is_refused_and_recovered_from(
    own_kafka: str, disk: Path, tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """While it is full every write is refused as a problem 503; with space again it goes on, and
    what was acknowledged is held once and told of once.
    """
    began, trials, wrong = monotonic(), rounds(sample=1, whole=10), list[str]()
    server = PostgresServer(disk / "postgres", settings=SMALL).start()
    died = 0
    try:
        async with kafka(own_kafka, ["directory"]):
            begins = await ends(own_kafka)
            url = await server.create_database("directory")
            async with directory(tmp_path, url, own_kafka) as child:
                asker = Asker(child, Keyring.open(tmp_path / "keys"))
                for _ in range(trials):
                    assert await asker.until(201, 60)
                    ballast = await fill_up(asker, disk)
                    until = monotonic() + FULL_SECONDS
                    while monotonic() < until:
                        await asker.ask()
                    ballast.unlink()
                    if not answers(server):  # whoever runs PostgreSQL starts it again
                        died += 1
                        await asyncio.to_thread(server.stop, kill=True)
                        await asyncio.to_thread(server.start)
                    if not await asker.until(201, 60):
                        wrong.append("stuck: it did not write a minute after there was space")
                await child.until_ready(60)
                async with asyncio.timeout(60):
                    while await unsent(url):
                        await asyncio.sleep(0.1)
                ids = await held(url)
            told = await told_since(own_kafka, begins)
    finally:
        server.stop()
    wrong += asker.not_problems
    wrong += [f"lost: {each} was acknowledged" for each in sorted(asker.made - set(ids))]
    wrong += [f"status: {status}" for status in asker.statuses if status not in (201, 503, 507)]
    if len(ids) > asker.statuses[201] + asker.statuses[503] + asker.unsure:
        wrong.append("causeless: there are more rows than requests")
    wrong += told_once(ids, told)
    note(
        f"PostgreSQL's disk full (it died {died} times of it)",
        trials,
        checks={"I28": asker.statuses.total(), "I5": len(asker.made), "I7": len(ids)},
        violations=wrong,
        seed=seed,
        seconds=monotonic() - began,
    )
    agree(seed, wrong)


def answers(server: PostgresServer) -> bool:
    """Say whether the server still runs."""
    process = server._process
    return process is not None and process.poll() is None


async def unsent(url: str) -> int:
    """Return how many rows of the outbox wait."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL"))
    finally:
        await connection.close()
