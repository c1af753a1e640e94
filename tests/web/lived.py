"""A whole house on a replay clock, and a visitor who reads its pages and sends their forms."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx2

from services.topology import House
from tests.web.started import client_of, sign_in_token, started

START = datetime(2023, 10, 10, 6, 0, tzinfo=UTC)
"""A Tuesday, 8.00 in Malmö."""
OVER = datetime(2023, 10, 10, 10, 0, tzinfo=UTC)
"""After the meetings of the morning."""
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass
class Visitor:
    """Somebody with a browser that runs no script."""

    client: httpx2.AsyncClient
    language: str = "en"

    async def reads(self, path: str, status: int = 200) -> str:
        """Return a page's text, with the language's prefix before the path."""
        answer = await self.client.get(f"/{self.language}{path}")
        assert answer.status_code == status, (answer.status_code, answer.text[:2_000])
        return str(answer.text)

    async def sends(self, path: str, **typed: str) -> httpx2.Response:
        """Open a page, fill in its form and send it; hidden fields go along."""
        page = await self.client.get(f"/{self.language}{path}")
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}
        target = f"/{self.language}{path.partition('?')[0]}"
        return await self.client.post(target, data={**hidden, **typed})

    async def follows(self, answer: httpx2.Response) -> str:
        """Return the page that an answer leads to."""
        assert answer.status_code == 303, (answer.status_code, answer.text[:2_000])
        page = await self.client.get(answer.headers["location"].partition("#")[0])
        assert page.status_code == 200, page.text[:2_000]
        return str(page.text)


@dataclass
class Lived:
    """The house, its administrator's API, and whoever visits."""

    house: House
    admin: httpx2.AsyncClient
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    def visitor(self, language: str = "en", **headers: str) -> Visitor:
        """Return somebody who visits for the first time."""
        client = client_of(self.house, **headers)
        self.clients.append(client)
        return Visitor(client, language)

    async def signed_in(self, *scopes: str, language: str = "en") -> Visitor:
        """Return somebody who has signed in."""
        token = await sign_in_token(self.house, *scopes)
        session = await self.does("POST", "/v1/sessions", {"token": token})
        visitor = self.visitor(language)
        visitor.client.cookies.set("andan_session", session["token"])
        return visitor

    async def does(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the API as the administrator; return what it answers."""
        answer = await self.admin.request(method, path, json=body)
        assert answer.status_code < 400, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def is_now(self, at: datetime) -> None:
        """Move the clock, and wait for all that falls due on the way."""
        await self.does("PUT", "/v1/clock", {"now": at.isoformat().replace("+00:00", "Z")})

    async def settles(self) -> None:
        """Wait until nothing is left to do."""
        clock = await self.does("GET", "/v1/clock")
        await self.is_now(datetime.fromisoformat(clock["now"]))

    async def room(self, name: str = "Salen", **more: Any) -> dict[str, Any]:
        """Open a room, in a venue of its own."""
        venue = await self.does(
            "POST", "/v1/venues", {"name": name, "time_zone": "Europe/Stockholm"}
        )
        body = {
            "venue_id": venue["id"],
            "name": name,
            "capacity": 80,
            "equipment": ["projector"],
            "opens_at": "08:00",
            "closes_at": "22:00",
            **more,
        }
        return dict(await self.does("POST", "/v1/rooms", body))

    async def organisation(self, name: str = "Kvarterskören") -> str:
        """Register an organisation that may book."""
        body = {"name": name, "kind": "association", "sector": "association"}
        return str((await self.does("POST", "/v1/organisations", body))["id"])

    async def event(self, **more: Any) -> str:
        """Publish an event of the day."""
        body = {
            "format": "dialogforum",
            "titles": {"sv": "Jämlik hälsa", "en": "Equal health"},
            "capacity": 80,
            "starts_at": "2023-10-10T07:30:00Z",
            "ends_at": "2023-10-10T09:30:00Z",
            "time_zone": "Europe/Stockholm",
            "place": "Salen",
            "admission": "first-come",
            **more,
        }
        made = await self.does("POST", "/v1/events", body)
        await self.does("POST", f"/v1/events/{made['id']}/publication")
        await self.settles()
        return str(made["id"])

    async def survey(self, event_id: str, people: int) -> tuple[str, list[str]]:
        """Let the event be over and close its attendance; return its survey and tokens of links."""
        await self.is_now(OVER)
        await self.does("POST", f"/v1/events/{event_id}/head-counts", {"people": people})
        await self.does("POST", f"/v1/events/{event_id}/attendance-closing")
        await self.settles()
        listed = await self.does("GET", f"/v1/surveys?event_id={event_id}")
        survey_id = str(listed["items"][0]["id"])
        sheets = {"survey_id": survey_id, "count": people}
        drawn = await self.does("POST", "/v1/ballot-sheets", sheets)
        return survey_id, [link.rpartition("/")[2] for link in drawn["links"]]


@asynccontextmanager
async def lived_house(folder: Path) -> AsyncIterator[Lived]:
    """Run all services in this process, on a store of their own."""
    async with started(folder, START) as (house, key), client_of(house, key) as admin:
        lived = Lived(house, admin)
        yield lived
        for client in lived.clients:
            await client.aclose()
