"""Several processes of each toy on one PostgreSQL and one Kafka: one acts, others take over."""

import asyncio
import random
import re
from pathlib import Path

import asyncpg
import httpx2
import pytest

from shared.testing.postgres import Databases
from tests.failures.checkers import agree, one_acts_at_a_time
from tests.failures.processes import Child, ended
from tests.failures.toy_campaign import (
    LEDGER_QUERIES,
    Traffic,
    remains_of_databases,
    toys,
    until_quiet,
    violations,
)
from tests.toy.house import unique

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.postgres,
]

SENT = re.compile(r'andan_relay_messages_total\{outcome="sent",service="lender"\} (\S+)')


class Fleet:
    """Two lenders and two ledgers on shared servers."""

    def __init__(self, folder: Path, kafka: str, urls: dict[str, str], bug: str | None) -> None:
        self.urls = urls
        mark = unique("race")
        self.lenders = {n: self._child(folder, kafka, mark, "lender", n, bug) for n in ("p", "q")}
        self.ledgers = {n: self._child(folder, kafka, mark, "ledger", n, bug) for n in ("p", "q")}
        self.all = [*self.lenders.values(), *self.ledgers.values()]

    def _child(
        self, folder: Path, kafka: str, mark: str, part: str, name: str, bug: str | None
    ) -> Child:
        home = folder / f"{part}-{name}"
        home.mkdir()
        return toys(
            home,
            bus=kafka,
            parts=part,
            mark=mark,
            lender_url=self.urls["lender"],
            ledger_url=self.urls["ledger"],
            **({"bug": bug} if bug else {}),
        )

    async def start(self) -> None:
        """Start all four at once: they migrate and declare at the same time."""
        for child in self.all:
            child.start()
        await asyncio.gather(*(child.until_ready() for child in self.all))

    async def sent(self) -> dict[str, float]:
        """Return how many rows each running lender has relayed in its life."""
        counts = {}
        async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
            for name, child in self.lenders.items():
                if child.runs:
                    found = SENT.search((await client.get(f"{child.url}/metrics")).text)
                    counts[name] = float(found.group(1)) if found else 0.0
        return counts

    async def leaders(self) -> int:
        """Return how many processes hold the advisory lock of the lender's store."""
        connection = await asyncpg.connect(self.urls["lender"])
        try:
            count: int = await connection.fetchval(
                "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database"
                " WHERE locktype = 'advisory' AND granted AND datname = current_database()"
            )
            return count
        finally:
            await connection.close()

    async def until_nothing_waits(self, seconds: float = 40) -> None:
        """Wait until no message waits: two processes may miss that one brought what the other
        awaits, and look again some seconds later.
        """
        connection = await asyncpg.connect(self.urls["ledger"])
        try:
            async with asyncio.timeout(seconds):
                while await connection.fetchval(LEDGER_QUERIES["waiting"]):
                    await asyncio.sleep(0.2)
        finally:
            await connection.close()


@pytest.fixture
async def databases(postgres_server: Databases) -> dict[str, str]:
    """Two new databases."""
    return {name: await postgres_server.create_database() for name in ("lender", "ledger")}


async def until_sent(fleet: Fleet, name: str | None, more_than: float) -> list[dict[str, float]]:
    """Look at the counters until a lender (any, where none is named) has relayed so much."""
    samples = []
    async with asyncio.timeout(60):
        while True:
            samples.append(await fleet.sent())
            counts = [n for who, n in samples[-1].items() if name in (None, who)]
            if counts and max(counts) > more_than:
                return samples
            await asyncio.sleep(0.1)


@pytest.mark.timeout(200)
async def test_another_takes_over_from_the_leader_that_is_killed(
    tmp_path: Path, kafka_bootstrap: str, databases: dict[str, str], seed: int
) -> None:
    """Only one of two lenders relays; after its death the other does; each effect is there once."""
    fleet = Fleet(tmp_path, kafka_bootstrap, databases, bug=None)
    urls = [child.url for child in fleet.lenders.values()]
    traffic = Traffic(urls, random.Random(seed))
    stop = asyncio.Event()
    with ended(*fleet.all):
        await fleet.start()
        driving = asyncio.create_task(traffic.drive(stop))
        samples = await until_sent(fleet, None, 200)
        leader = max(samples[-1], key=lambda name: samples[-1][name])
        (other,) = set(fleet.lenders) - {leader}
        assert samples[-1][other] == 0, "both have relayed"
        assert await fleet.leaders() == 1
        await asyncio.to_thread(fleet.lenders[leader].kill)
        await asyncio.to_thread(fleet.ledgers["p"].kill)
        samples += await until_sent(fleet, other, 200)
        assert await fleet.leaders() == 1
        fleet.lenders[leader].start()
        fleet.ledgers["p"].start()
        await asyncio.gather(*(child.until_ready() for child in fleet.all))
        samples += await until_sent(fleet, other, samples[-1][other] + 100)
        stop.set()
        await driving
        await traffic.settle()
        await until_quiet(*(child.url for child in fleet.all), seconds=90)
        await fleet.until_nothing_waits()
        assert [child.terminate() for child in fleet.all] == [0] * 4
        agree(
            seed,
            one_acts_at_a_time(samples),
            violations(traffic.history, await remains_of_databases(fleet.urls)),
        )


@pytest.mark.timeout(120)
async def test_two_that_lead_at_once_are_found(
    tmp_path: Path, kafka_bootstrap: str, databases: dict[str, str], seed: int
) -> None:
    """Lenders that relay without asking who leads are caught by the look at their counters."""
    fleet = Fleet(tmp_path, kafka_bootstrap, databases, bug="everybody-leads")
    traffic = Traffic([child.url for child in fleet.lenders.values()], random.Random(seed))
    stop = asyncio.Event()
    with ended(*fleet.all):
        await fleet.start()
        driving = asyncio.create_task(traffic.drive(stop))
        try:
            samples = await until_sent(fleet, None, 300)
        finally:
            stop.set()
            await driving
    assert one_acts_at_a_time(samples)
