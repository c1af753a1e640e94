"""A booking service at work: a venue, rooms, organisations it has heard of, and who calls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from services.booking.app import create_service
from services.booking.handlers.rooms import KnowOrganisation, know_organisation
from shared.clock import ReplayClock
from shared.security.principal import Principal
from shared.testing.fixtures import MakeUrl
from shared.testing.running import ADMIN, Running, key_with, running

START = datetime(2023, 3, 1, 8, 0, tzinfo=UTC)
"""A Wednesday, 9 o'clock in Malmö."""
ZONE = "Europe/Stockholm"
OURS = "organisation-ours"
THEIRS = "organisation-theirs"


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    """Return an instant of spring 2023, in UTC."""
    return datetime(2023, month, day, hour, minute, tzinfo=UTC)


@dataclass
class Scene:
    """What a test of booking speaks to."""

    it: Running
    clock: ReplayClock
    client: httpx2.AsyncClient
    venue_id: str
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    def of(self, organisation_id: str, *scopes: str) -> httpx2.AsyncClient:
        """Return a client with a key that is bound to an organisation."""
        scopes = scopes or ("booking:read", "booking:write")
        return self.as_(key_with(*scopes, organisation_id=organisation_id))

    def as_(self, principal: Principal) -> httpx2.AsyncClient:
        """Return a client of any caller."""
        self.clients.append(self.it.client(principal))
        return self.clients[-1]

    async def room(self, **said: Any) -> str:
        """Open a room and return its id."""
        body = {"venue_id": self.venue_id, "name": "Salen", "capacity": 70, **said}
        answer = await self.client.post("/v1/rooms", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def wish(
        self, room_id: str, starts_at: datetime, ends_at: datetime, **said: Any
    ) -> dict[str, Any]:
        """Return the body of a booking."""
        return {
            "room_id": room_id,
            "organisation_id": OURS,
            "purpose": "Styrelsemöte",
            "starts_at": starts_at.isoformat(),
            "ends_at": ends_at.isoformat(),
            "expected_people": 20,
            **said,
        }

    async def book(
        self,
        room_id: str,
        starts_at: datetime,
        ends_at: datetime | None = None,
        *,
        client: httpx2.AsyncClient | None = None,
        **said: Any,
    ) -> httpx2.Response:
        """Ask for a room, for two hours where no end is said."""
        body = self.wish(room_id, starts_at, ends_at or starts_at + timedelta(hours=2), **said)
        return await (client or self.client).post("/v1/bookings", json=body)

    async def booked(self, *args: Any, **said: Any) -> dict[str, Any]:
        """Book a room that can be had and return the booking."""
        answer = await self.book(*args, **said)
        assert answer.status_code == 201, answer.text
        booking: dict[str, Any] = answer.json()
        return booking

    async def act(self, booking: dict[str, Any], action: str, **body: Any) -> httpx2.Response:
        """Do something to a booking as the one who may do everything."""
        return await self.client.post(f"/v1/bookings/{booking['id']}/{action}", json=body)

    async def status(self, booking: dict[str, Any]) -> str:
        """Return where a booking stands."""
        return str((await self.client.get(f"/v1/bookings/{booking['id']}")).json()["status"])

    async def move_clock(self, to: datetime) -> None:
        """Let time pass and what is due be done."""
        self.clock.move(to)
        await self.it.quiet()


@asynccontextmanager
async def scene(make_url: MakeUrl, folder: Path, dialect: str) -> AsyncIterator[Scene]:
    """Run booking with one venue and two organisations, on a clock that stands at START."""
    clock = ReplayClock(START)
    async with running(create_service, make_url, folder, dialect=dialect, clock=clock) as it:
        async with it.service.store.work() as work:
            for organisation_id in (OURS, THEIRS):
                await know_organisation(work, KnowOrganisation(organisation_id, 1))
        client = it.client(ADMIN)
        venue = await client.post("/v1/venues", json={"name": "Nobel 21", "time_zone": ZONE})
        assert venue.status_code == 201, venue.text
        here = Scene(it, clock, client, venue.json()["id"], [client])
        try:
            yield here
        finally:
            for each in here.clients:
                await each.aclose()
