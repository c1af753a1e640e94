"""Where servers fail: the toys in two processes, or the house; both on real servers."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import asyncpg
import httpx2

from shared.testing.postgres import Databases
from tests.conftest import PROFILE
from tests.failures.checkers import agree, each_is_published, in_order_of_commits
from tests.failures.distributed.house import Standing, come_to_rest, standing, under_traffic
from tests.failures.distributed.topics import read_topics
from tests.failures.distributed.traffic import Errands
from tests.failures.history import Attempt
from tests.failures.outages import floods
from tests.failures.platform_campaign import scenery
from tests.failures.processes import Child
from tests.failures.record import note
from tests.failures.toy_campaign import (
    Traffic,
    remains_of_databases,
    toys,
    until_quiet,
    violations,
)
from tests.toy.house import unique

READY_SECONDS = 90.0


class Addressed(Protocol):
    """A Kafka, of one node or of several, or a proxy before it."""

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients."""


class Ground(Protocol):
    """Processes on real servers, and traffic on them."""

    checks: dict[str, int]
    """How often each invariant was judged."""
    seed: int

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Everything that was asked so far."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where each process answers."""

    @property
    def logs(self) -> Mapping[str, str]:
        """What each process wrote."""

    @property
    def reads(self) -> Sequence[str]:
        """Addresses of GETs that need a database."""

    def acknowledged(self) -> int:
        """Return how many requests were acknowledged."""

    def ended(self) -> list[str]:
        """Return which processes have ended by themselves."""

    def driven(self) -> AbstractAsyncContextManager[None]:
        """Let the traffic run meanwhile."""

    async def come_to_rest(self) -> list[str]:
        """Settle what is unknown, wait until all is done, and return what is wrong."""


class ToyGround:
    """The lender and the ledger, a process each."""

    def __init__(
        self,
        children: Mapping[str, Child],
        urls: Mapping[str, str],
        kafka: str,
        mark: str,
        seed: int,
    ) -> None:
        self._children = children
        self._urls = urls
        self._kafka = kafka
        self._topics = [f"andan.toy.{each}.v1-{mark}" for each in ("shelf", "name")]
        self._traffic = Traffic([children["lender"].url], random.Random(seed))
        self.checks: dict[str, int] = {}
        self.seed = seed

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Everything that was asked so far."""
        return self._traffic.history.attempts

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where each process answers."""
        return {name: child.url for name, child in self._children.items()}

    @property
    def logs(self) -> Mapping[str, str]:
        """What each process wrote."""
        return {name: child.said for name, child in self._children.items()}

    @property
    def reads(self) -> Sequence[str]:
        """The shelf that never fills."""
        return [f"{self._children['lender'].url}/shelves/s"]

    def acknowledged(self) -> int:
        """Return how many requests were acknowledged."""
        return self._traffic.acknowledged

    def ended(self) -> list[str]:
        """Return which processes have ended by themselves."""
        return [name for name, child in self._children.items() if not child.runs]

    @asynccontextmanager
    async def driven(self) -> AsyncIterator[None]:
        """Let the traffic run meanwhile."""
        stop = asyncio.Event()
        driving = asyncio.create_task(self._traffic.drive(stop))
        try:
            yield
        finally:
            stop.set()
            await driving

    async def come_to_rest(self) -> list[str]:
        """Settle what is unknown, wait until all is done, and return what is wrong."""
        await self._traffic.settle()
        await until_quiet(*self.addresses.values(), seconds=120)
        held = await remains_of_databases(self._urls)
        asked = len(self._traffic.history.ok())
        self.checks = dict.fromkeys(("I3", "I5", "I9", "I11"), asked)
        self.checks |= dict.fromkeys(("I6", "I7", "I8", "I10"), len(held.taken) + len(held.named))
        return violations(self._traffic.history, held) + await self._order_on_the_topics()

    async def _order_on_the_topics(self) -> list[str]:
        """What was committed is on the topics, of each key in the order of the commits."""
        connection = await asyncpg.connect(self._urls["lender"])
        try:
            rows = await connection.fetch("SELECT topic, key, message_id FROM outbox ORDER BY seq")
        finally:
            await connection.close()
        committed = [(f"{row['topic']} {row['key'].decode()}", row["message_id"]) for row in rows]
        records, _ = await read_topics(self._kafka)
        there = [
            (f"{each.said.topic} {each.said.key}", each.said.id)
            for each in records
            if each.said.topic in self._topics
        ]
        return [
            *each_is_published([id_ for _, id_ in committed], [id_ for _, id_ in there]),
            *in_order_of_commits(_by_key(committed), _by_key(there)),
        ]


def _by_key(messages: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the ids of each key in their order, each where it stands first."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for key, id_ in messages:
        found[key].setdefault(id_)
    return {key: list(ids) for key, ids in found.items()}


@asynccontextmanager
async def on_toys(
    folder: Path,
    kafka: Addressed,
    databases: Databases,
    seed: int,
    *,
    through: Databases | None = None,
    bug: str | None = None,
) -> AsyncIterator[ToyGround]:
    """Start the toys on new databases and topics; `through` is where they find their databases."""
    mark = unique("out")
    names = {name: f"{name}_{mark}" for name in ("lender", "ledger")}
    urls = {name: await databases.create_database(each) for name, each in names.items()}
    children = {}
    for name, database in names.items():
        (folder / name).mkdir(parents=True)
        flags = {"parts": name, "bus": kafka.bootstrap_servers, "mark": mark}
        flags |= {f"{name}_url": (through or databases).url(database)}
        children[name] = toys(folder / name, **flags, **({"bug": bug} if bug else {}))
    try:
        for child in children.values():
            child.start()
        ground = ToyGround(children, urls, kafka.bootstrap_servers, mark, seed)
        await until_ready(ground)
        yield ground
    finally:
        for child in children.values():
            child.kill()


class HouseGround:
    """The whole house, a process per service."""

    def __init__(self, stands: Standing, traffic: Errands, seed: int) -> None:
        self._standing = stands
        self._traffic = traffic
        self.checks: dict[str, int] = {}
        self.seed = seed

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Everything that was asked so far."""
        return self._traffic.history.attempts

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where each process answers."""
        return {name: each.address for name, each in self._standing.run.processes.items()}

    @property
    def logs(self) -> Mapping[str, str]:
        """What each process wrote."""
        return {
            name: each.log.read_text(errors="replace")
            for name, each in self._standing.run.processes.items()
        }

    @property
    def reads(self) -> Sequence[str]:
        """An event, and what web makes of one, through the gateway."""
        event = next(iter(self._traffic.scenery.events))
        return [f"{self._standing.run.gateway}/v1/events/{event}"]

    def acknowledged(self) -> int:
        """Return how many requests were acknowledged."""
        return len(self._traffic.history.ok())

    def ended(self) -> list[str]:
        """Return which processes have ended by themselves."""
        return self._standing.run.ended()

    @asynccontextmanager
    async def driven(self) -> AsyncIterator[None]:
        """Let the traffic run meanwhile."""
        async with under_traffic(self._standing, self._traffic):
            yield

    async def come_to_rest(self) -> list[str]:
        """Settle what is unknown, wait until all is done, and return what is wrong."""
        wrong = await come_to_rest(self._standing, self._traffic)
        self.checks = dict(self._standing.checks)
        return wrong


@asynccontextmanager
async def on_house(
    folder: Path,
    kafka: Addressed,
    databases: Databases,
    seed: int,
    *,
    environment: Mapping[str, str] | None = None,
    through: Databases | None = None,
    bug: str | None = None,
) -> AsyncIterator[HouseGround]:
    """Start the house on these servers, whose databases are nobody else's."""
    assert bug is None, "the house's bugs are planted elsewhere"
    nodes = len(kafka.bootstrap_servers.split(","))
    variables = {
        "ANDAN_KAFKA_REPLICAS": str(nodes),
        "ANDAN_KAFKA_MIN_INSYNC": str(max(1, nodes - 1)),
    }
    if through is not None:
        variables["DATABASE_URL"] = through.url("{service}")
    variables |= environment or {}
    async with standing(folder, kafka=kafka, postgres=databases, environment=variables) as stands:
        traffic = Errands(await scenery(stands.house), random.Random(seed))
        yield HouseGround(stands, traffic, seed)


GROUNDS: dict[str, Callable[..., AbstractAsyncContextManager[Ground]]] = {
    "toys": on_toys,
    "house": on_house,
}
"""Where a campaign can be played."""


def played(sample: Sequence[str]) -> Sequence[str]:
    """Return on which grounds to play: on all in a campaign, else on those of the sample."""
    return list(GROUNDS) if PROFILE == "campaign" else sample


async def until_acknowledged(ground: Ground, more: int, seconds: float = 120) -> None:
    """Wait until so many more requests were acknowledged."""
    aim = ground.acknowledged() + more
    async with asyncio.timeout(seconds):
        while ground.acknowledged() < aim:
            await asyncio.sleep(0.02)


async def until_ready(ground: Ground, seconds: float = READY_SECONDS) -> None:
    """Wait until every process is ready; raise where one has ended, or is not in time."""
    until = time.monotonic() + seconds
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
        for name, address in ground.addresses.items():
            while (said := await _readiness(client, address)) is not None:
                if ended := ground.ended():
                    raise AssertionError(f"{ended} ended: {ground.logs[ended[0]][-2000:]}")
                if time.monotonic() > until:
                    raise AssertionError(f"{name} is not ready: {said}")
                await asyncio.sleep(0.05)


async def _readiness(client: httpx2.AsyncClient, address: str) -> str | None:
    """Return None for a process that is ready, else what it says."""
    try:
        answer = await client.get(f"{address}/readyz")
    except httpx2.HTTPError as error:
        return repr(error)
    return None if answer.status_code == 200 else answer.text


async def told_not_ready(ground: Ground, reason: str, *names: str, seconds: float = 40) -> None:
    """Wait until each of these processes says that it is not ready, and names the reason."""
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
        async with asyncio.timeout(seconds):
            for name in names or ground.addresses:
                while reason not in (await _readiness(client, ground.addresses[name]) or ""):
                    await asyncio.sleep(0.1)


def conclude(
    ground: Ground, fault: str, trials: int, began: float, *findings: Sequence[str]
) -> None:
    """Note the campaign in the record, and fail with whatever was found."""
    found = [sentence for each in findings for sentence in each]
    found += [f"ended: {name} ended by itself" for name in ground.ended()]
    found += floods(ground.logs)
    note(
        fault,
        trials,
        checks=ground.checks,
        violations=found,
        seed=ground.seed,
        seconds=time.monotonic() - began,
    )
    agree(ground.seed, found)
