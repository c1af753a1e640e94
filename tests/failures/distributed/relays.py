"""Who relays: the counters of every process of a service that has several, looked at all along."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from tests.failures.checkers import only_taking_over
from tests.failures.distributed.house import Standing

SENT = re.compile(r'^andan_relay_messages_total\{outcome="sent",.*\} (\S+)$', re.MULTILINE)
LOOK_EVERY_SECONDS = 0.3
PATIENCE_SECONDS = 0.5


@dataclass
class Looks:
    """What was seen of each service: how much each of its processes had relayed, look by look."""

    by_service: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    @property
    def pairs(self) -> int:
        """How many pairs of looks can be judged."""
        return sum(max(0, len(looks) - 1) for looks in self.by_service.values())

    def wrong(self) -> list[str]:
        """Say where two have acted at the same time."""
        return [each for looks in self.by_service.values() for each in only_taking_over(looks)]


@asynccontextmanager
async def watched(standing: Standing) -> AsyncIterator[Looks]:
    """Look at the counters of those services that have several processes, meanwhile."""
    looks = Looks()
    watching = asyncio.create_task(_watch(standing, looks))
    try:
        yield looks
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(standing: Standing, looks: Looks) -> None:
    names = standing.services()
    several = [name for name, of in names.items() if list(names.values()).count(of) > 1]
    known: dict[str, float] = {}
    async with httpx2.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False) as client:
        while True:
            await asyncio.gather(*(_look(standing, client, name, known) for name in several))
            for service in {names[name] for name in several}:
                look = {n: known[n] for n in several if names[n] == service and n in known}
                looks.by_service.setdefault(service, []).append(look)
            await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _look(
    standing: Standing, client: httpx2.AsyncClient, name: str, known: dict[str, float]
) -> None:
    """Note how much a process has relayed in its life; one that does not answer stays as it was."""
    try:
        answer = await client.get(f"{standing.run.processes[name].address}/metrics")
    except httpx2.HTTPError:
        return
    found = SENT.search(answer.text)
    known[name] = float(found.group(1)) if found else 0.0
