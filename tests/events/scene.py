"""An events service that runs alone, and the words in which tests speak to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from services.events.app import create_service
from shared.clock import ReplayClock
from shared.security.principal import PUBLIC, Principal
from shared.testing.fixtures import MakeUrl
from shared.testing.running import ADMIN, Running, running

START = datetime(2023, 3, 1, 9, tzinfo=UTC)
BEGINS = datetime(2023, 4, 19, 11, tzinfo=UTC)


def event_body(**changes: Any) -> dict[str, Any]:
    """Return the body of a complete event of 80 places."""
    body = {
        "format": "dialogforum",
        "titles": {"sv": "Jämlik hälsa", "en": "Equal health"},
        "capacity": 80,
        "starts_at": "2023-04-19T11:00:00Z",
        "ends_at": "2023-04-19T13:00:00Z",
        "time_zone": "Europe/Stockholm",
        "place": "Salen",
        "admission": "first-come",
    }
    return {**body, **changes}


def person(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return the body by which an invented person registers."""
    body = {
        "name": f"Person {number}",
        "contact": {"email": f"person{number}@example.org"},
        "sector": "association",
        "language": "sv",
    }
    return {**body, **changes}


@dataclass
class Scene:
    """The service at work, on a clock that stands still unless moved."""

    it: Running
    clock: ReplayClock
    admin: httpx2.AsyncClient
    public: httpx2.AsyncClient

    def come_again(self) -> None:
        """Renew the callers' inner tokens, which live a minute: for tests of many rounds."""
        self.admin, self.public = self.it.client(ADMIN), self.it.client(PUBLIC)

    def link(self, registration_id: str) -> httpx2.AsyncClient:
        """Return a client that holds the link of a registration."""
        token = self.it.keyring.links().make("registration", registration_id)
        return self.it.client(Principal(kind="link", id="link", link_token=token))

    async def published(self, **changes: Any) -> str:
        """Return the id of a published event."""
        made = await self.ok(self.admin, "/v1/events", event_body(**changes))
        await self.ok(self.admin, f"/v1/events/{made['id']}/publication")
        return str(made["id"])

    async def ok(self, client: httpx2.AsyncClient, path: str, body: Any = None) -> dict[str, Any]:
        """Post and return the answer, which must be a success."""
        answer = await client.post(path, json=body)
        assert answer.status_code in (200, 201, 202), answer.text
        return dict(answer.json())

    async def register(self, event_id: str, number: int = 1, **changes: Any) -> dict[str, Any]:
        """Register an invented person with a key."""
        path = f"/v1/events/{event_id}/registrations"
        return await self.ok(self.admin, path, person(number, **changes))

    async def act(self, registration_id: str, action: str, body: Any = None) -> dict[str, Any]:
        """Do something with a registration as staff."""
        return await self.ok(self.admin, f"/v1/registrations/{registration_id}/{action}", body)

    async def places(self, event_id: str) -> dict[str, int]:
        """Return the exact numbers of an event."""
        answer = await self.admin.get(f"/v1/events/{event_id}")
        return dict(answer.json()["places"])

    async def status(self, registration_id: str) -> tuple[str, int | None]:
        """Return a registration's status and its place in line."""
        shown = (await self.admin.get(f"/v1/registrations/{registration_id}")).json()
        return shown["status"], shown["position"]

    async def later(self, **after: float) -> None:
        """Let time pass, and all that is due be done."""
        self.clock.move(self.clock.now() + timedelta(**after))
        await self.it.quiet()

    async def at(self, moment: datetime) -> None:
        """Move to a moment, and let all that is due be done."""
        self.clock.move(moment)
        await self.it.quiet()


@asynccontextmanager
async def scene(make_url: MakeUrl, folder: Path, dialect: str = "sqlite") -> AsyncIterator[Scene]:
    """Start the service on 1 March 2023."""
    clock = ReplayClock(START)
    async with (
        running(create_service, make_url, folder, dialect=dialect, clock=clock) as it,
        it.client(ADMIN) as admin,
        it.client(PUBLIC) as public,
    ):
        yield Scene(it, clock, admin, public)
