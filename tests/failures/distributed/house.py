"""A distributed house under traffic: started, driven, brought to rest and judged."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from services.supervisor import Distributed, distributed
from shared.testing.ports import free_port
from tests.failures.distributed.judging import Scene, judge_answers, judge_bus, judge_effects
from tests.failures.distributed.stores import Stores
from tests.failures.distributed.topics import read_topics
from tests.failures.distributed.traffic import Errands
from tests.failures.distributed.verdict import Verdict
from tests.failures.platform_campaign import BEGIN, look
from tests.journeys.house import House, entered

REPLAY_FROM = "ANDAN_REPLAY_FROM"
STEP = timedelta(minutes=10)
"""How far the clock goes at each rest: what failed while something was away is tried again."""
REST_SECONDS = 180.0
QUICK = {"ANDAN_SESSION_SECONDS": "3", "ANDAN_CLOCK_PATIENCE_SECONDS": "40"}
"""Sessions with Kafka end soon, so that whoever was killed is missed soon."""


@dataclass
class Standing:
    """A distributed house that stands on a replay clock."""

    run: Distributed
    house: House
    now: datetime = BEGIN
    checks: Counter[str] = field(default_factory=Counter)
    """How often each invariant was judged so far."""

    @property
    def stores(self) -> Stores:
        """The databases of its services."""
        return Stores(self.run.postgres)

    async def launch(self, name: str) -> None:
        """Start a process again, at the instant where the clock stands."""
        self.run.processes[name].environment[REPLAY_FROM] = self.now.isoformat()
        await asyncio.to_thread(self.run.launch, name)

    def services(self) -> dict[str, str]:
        """Return the service of each process, by the name of the process."""
        return {name: each.service for name, each in self.run.processes.items()}

    async def stop(self) -> dict[str, int | None]:
        """Stop every process, the gateways first; return their statuses."""
        statuses: dict[str, int | None] = {}
        for is_front in (True, False):
            names = [name for name, of in self.services().items() if (of == "gateway") is is_front]
            found = await asyncio.gather(
                *(asyncio.to_thread(self.run.stop_one, name) for name in names)
            )
            statuses |= dict(zip(names, found, strict=True))
        return statuses

    async def until_ready(self, *names: str) -> None:
        """Wait until these processes (all, where none is named) are ready."""
        await asyncio.to_thread(self.run.wait_until_ready, *names)

    async def move(self, to: datetime) -> list[str]:
        """Move the clock by way of everything due; say what does not come to rest, if anything."""
        until = time.monotonic() + REST_SECONDS
        while True:
            answer = await self.house.admin.client.put(
                "/v1/clock", json={"now": to.isoformat()}, timeout=2 * REST_SECONDS
            )
            if answer.status_code == 200:
                self.now = to
                return []
            if answer.status_code != 503 or time.monotonic() > until:
                return [f"restless: {answer.status_code} {answer.text}"]
            await asyncio.sleep(0.5)


@asynccontextmanager
async def standing(
    folder: Path,
    *,
    replicas: Mapping[str, int] | None = None,
    environment: Mapping[str, str] | None = None,
    **servers: Any,
) -> AsyncIterator[Standing]:
    """Run a distributed house in `folder` (`servers`: kafka, postgres) and enter it."""
    async with AsyncExitStack() as rest:
        run = distributed(
            folder,
            free_port(),
            replay_from=BEGIN,
            replicas=replicas or {},
            environment={**QUICK, **(environment or {})},
            **servers,
        )
        started = await asyncio.to_thread(run.__enter__)
        rest.push_async_callback(asyncio.to_thread, run.__exit__, None, None, None)
        key = folder / "admin-key"
        async with asyncio.timeout(30):
            while not key.exists():
                await asyncio.sleep(0.05)
        house = await rest.enter_async_context(entered(started.gateway, folder, folder / "mail"))
        yield Standing(started, house)


@asynccontextmanager
async def under_traffic(standing: Standing, traffic: Errands) -> AsyncIterator[None]:
    """Let the traffic run meanwhile."""
    stop = asyncio.Event()
    driving = asyncio.create_task(traffic.drive(standing.house.admin.client, stop))
    try:
        yield
    finally:
        stop.set()
        await driving


async def come_to_rest(standing: Standing, traffic: Errands) -> list[str]:
    """Wait for everybody, settle what is unknown, let the house come to rest, and judge it."""
    ended = [f"ended: {name} ended by itself" for name in standing.run.ended()]
    for name in standing.run.ended():
        await standing.launch(name)
    await standing.until_ready()
    await traffic.settle(standing.house.admin.client)
    restless = await standing.move(standing.now + STEP)
    if restless:
        return ended + restless
    return ended + await judge(standing, traffic)


async def judge(standing: Standing, traffic: Errands) -> list[str]:
    """Say what is wrong with a house at rest, in its answers, its databases and its topics."""
    verdict = Verdict()
    records, parked = await read_topics(standing.run.kafka.bootstrap_servers)
    verdict.judge("I13", len(records), [f"parked: {parked} messages"] if parked else [])
    scene = Scene(standing.house, standing.stores, records)
    await judge_answers(verdict, scene, traffic, await look(standing.house, traffic.scenery))
    await judge_effects(verdict, scene, await judge_bus(verdict, scene))
    verdict.judge("I3", traffic.read[200], traffic.overfull + traffic.unreadable())
    standing.checks.update(verdict.checks)
    return verdict.wrong
