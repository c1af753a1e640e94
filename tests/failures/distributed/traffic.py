"""Traffic for a whole house: what the embedded campaign asks, organisations, and readers."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import httpx2

from tests.failures.platform_campaign import Traffic, Wish

ORGANISE = "organise"
PAGES = ("/sv", "/en/events", "/v1/events", "/v1/years")
AWAY = (500, 502, 503, 504)


@dataclass
class Errands(Traffic):
    """Clients as in the embedded campaign, that found organisations too, and readers beside."""

    pause_seconds: float = 0.2
    read: Counter[int] = field(default_factory=Counter)
    """How many reads were answered, by status; 0 for those that were cut."""
    overfull: list[str] = field(default_factory=list)

    async def drive(self, client: httpx2.AsyncClient, stop: asyncio.Event) -> None:
        """Ask from several sides at once, and read beside, until told to stop."""
        await asyncio.gather(super().drive(client, stop), self._look(client, stop))

    async def _look(self, client: httpx2.AsyncClient, stop: asyncio.Event) -> None:
        while not stop.is_set():
            event = self.random.choice(list(self.scenery.events))
            for path in (self.random.choice(PAGES), f"/v1/events/{event}"):
                await self._read(client, path)
            await asyncio.sleep(self.pause_seconds)

    async def _read(self, client: httpx2.AsyncClient, path: str) -> None:
        try:
            answer = await client.get(path, follow_redirects=True)
        except httpx2.HTTPError:
            self.read[0] += 1
            return
        self.read[answer.status_code] += 1
        if answer.status_code == 200 and path.startswith("/v1/events/"):
            capacity = self.scenery.events[path.removeprefix("/v1/events/")]
            taken = answer.json()["places"]["taken"]
            if taken > capacity:
                self.overfull.append(f"over: {taken} of {capacity} were seen taken")

    def unreadable(self) -> list[str]:
        """Say which statuses readers met that are neither an answer nor a service that is away."""
        return [
            f"unreadable: {count} reads were answered {status}"
            for status, count in self.read.items()
            if status not in (0, 200, *AWAY)
        ]

    def _something(self) -> Wish:
        if self.random.random() >= 0.05:
            return super()._something()
        intent = f"i{len(self.history.attempts)}"
        body = {"name": intent, "kind": "association", "sector": "association"}
        wish = Wish(intent, ORGANISE, "/v1/organisations", body, intent)
        self.unsure[intent] = wish
        return wish
