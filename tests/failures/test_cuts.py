"""Connections cut in mid-commit, delayed and silenced: each thing was done, or it was not."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.testing.jars import NoKafka
from shared.testing.kafka import KafkaServer
from shared.testing.postgres import GivenPostgres
from tests.conftest import Rounds
from tests.failures.grounds import (
    GROUNDS,
    Ground,
    conclude,
    on_toys,
    played,
    until_acknowledged,
    until_ready,
)
from tests.failures.outages import Probes, never_refused, only_statuses, refused_properly
from tests.failures.proxy import (
    Act,
    Fault,
    Match,
    Proxy,
    cut_after_answer,
    cut_at_once,
    cut_before,
    cut_within,
    fall_silent,
    hold_back,
    is_anything,
    is_commit,
    is_produce,
)
from tests.failures.servers import postgres_of_its_own
from tests.required import unavailable

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.campaign,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.connected,
]

SILENT_SECONDS = 5.0
SERVED = (200, 201, 409, 429)
STRIKE_SECONDS = 60.0


def faults(match: Match, dice: random.Random) -> Iterator[Fault]:
    """Return faults without end, each kind as often as every other, in random order.

    `match` finds what decides: a commit, or records that are produced.
    """
    kinds: list[tuple[str, Match, Callable[[], Act]]] = [
        ("cut before it was sent", match, lambda: cut_before),
        ("cut before its answer", match, lambda: cut_after_answer),
        ("cut as it was sent", match, lambda: cut_at_once),
        ("torn", match, lambda: cut_within(dice)),
        ("torn anywhere", is_anything, lambda: cut_within(dice)),
        ("late", match, lambda: hold_back(dice.uniform(0.2, 0.8))),
        ("silent", match, lambda: fall_silent(SILENT_SECONDS)),
        ("silent anywhere", is_anything, lambda: fall_silent(SILENT_SECONDS)),
    ]
    while True:
        for name, matches, act in dice.sample(kinds, len(kinds)):
            yield Fault(name, matches, act(), skip=dice.randrange(20))


async def strike(ground: Ground, proxy: Proxy, match: Match, times: int) -> None:
    """Let so many faults strike under traffic, one after another, and wait until all is well."""
    kinds = faults(match, random.Random(ground.seed))
    async with ground.driven():
        for _ in range(times):
            fault = proxy.arm(next(kinds))
            async with asyncio.timeout(STRIKE_SECONDS):
                await asyncio.wrap_future(fault.struck)
            await until_acknowledged(ground, 5)
        await asyncio.sleep(SILENT_SECONDS)
    await until_ready(ground)


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("ground", played(["toys"]))
async def test_connections_to_the_database_cut_in_mid_commit(
    tmp_path: Path, kafka_server: KafkaServer, rounds: Rounds, seed: int, ground: str
) -> None:
    """Whether it was committed is unknown to who asked; asked again under its key, it was done
    once.
    """
    times = rounds(sample=10, whole=200)
    began = time.monotonic()
    with postgres_of_its_own() as postgres, Proxy(postgres.port) as proxy:
        through = GivenPostgres(f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres")
        async with GROUNDS[ground](tmp_path, kafka_server, postgres, seed, through=through) as it:
            probes = Probes(it.reads)
            async with probes.asking():
                await strike(it, proxy, is_commit, times)
            found = refused_properly(probes.found) + only_statuses(it.attempts, *SERVED)
            found += await it.come_to_rest()
            conclude(it, f"connection to PostgreSQL cut, {ground}", times, began, found)


@dataclass(frozen=True)
class Behind:
    """A Kafka whose clients all come through a proxy, since it says so itself."""

    proxy: Proxy

    @property
    def bootstrap_servers(self) -> str:
        """The proxy's address."""
        return f"127.0.0.1:{self.proxy.port}"


@contextmanager
def kafka_behind(proxy: Proxy) -> Iterator[Behind]:
    """Run a Kafka behind the proxy."""
    address = f"PLAINTEXT://127.0.0.1:{proxy.port}"
    server = KafkaServer(settings={"advertised.listeners": address})
    try:
        server.start()
    except NoKafka as error:
        server.discard()
        unavailable(f"no Kafka that could stand behind a proxy: {error}")
    proxy.target = server.port
    try:
        yield Behind(proxy)
    finally:
        server.discard()


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("ground", played(["toys"]))
async def test_connections_to_kafka_cut_while_records_are_sent(
    tmp_path: Path, rounds: Rounds, seed: int, ground: str
) -> None:
    """Whether it was stored is unknown to the relay, which sends it again; nobody who asks the
    house notices, and it has one effect.
    """
    times = rounds(sample=10, whole=200)
    began = time.monotonic()
    with postgres_of_its_own() as postgres, Proxy() as proxy, kafka_behind(proxy) as kafka:
        async with GROUNDS[ground](tmp_path, kafka, postgres, seed) as it:
            await strike(it, proxy, is_produce, times)
            found = never_refused(it.attempts, began, time.monotonic())
            found += await it.come_to_rest()
            conclude(it, f"connection to Kafka cut, {ground}", times, began, found)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("bug", "act", "word"),
    [("answers-first", cut_before, "lost"), ("ignores-keys", cut_after_answer, "doubled")],
)
async def test_the_cuts_find_a_planted_bug(
    tmp_path: Path, kafka_server: KafkaServer, seed: int, bug: str, act: Act, word: str
) -> None:
    """A service that answers before it commits, or takes no notice of keys, is found out."""
    with postgres_of_its_own() as postgres, Proxy(postgres.port) as proxy:
        through = GivenPostgres(f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres")
        async with on_toys(tmp_path, kafka_server, postgres, seed, through=through, bug=bug) as it:
            async with it.driven():
                for _ in range(12):
                    fault = proxy.arm(Fault("cut", is_commit, act, skip=5))
                    async with asyncio.timeout(STRIKE_SECONDS):
                        await asyncio.wrap_future(fault.struck)
                    await until_acknowledged(it, 5)
            await until_ready(it)
            found = await it.come_to_rest()
    assert any(each.startswith(f"{word}: i") for each in found), f"seed {seed}: {found[:10]}"
