"""A house that has lived a year, answers on a port of its own, and is full of people."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import uvicorn

from services.demo.mailbox import Mailbox
from services.gateway.first_key import ensure_first_key
from services.settings import ProcessSettings
from services.topology import whole_house
from shared.security.principal import SCOPES
from shared.testing.ports import free_port

BEGINS: Final = datetime(2022, 11, 7, 7, 0, tzinfo=UTC)
NOW: Final = datetime(2023, 10, 10, 9, 30, tzinfo=UTC)
"""A Tuesday, 11.30 in Malmö."""
ROOMS: Final = (
    ("Stora salen", 80),
    ("Lindängen", 14),
    ("Möllan", 12),
    ("Köket", 16),
    ("Sofielund", 10),
    ("Ateljén", 18),
    ("Rosengård", 24),
    ("Kirseberg", 8),
)
VISITORS: Final = ("amina", "bertil", "chen", "dana", "elif", "farid", "greta", "hugo")
"""Who came to the meeting of yesterday, and has a link to its evaluation."""


@dataclass
class Lively:
    """The address of a house, its administrator's API, and what is in it by name."""

    address: str
    admin: httpx2.AsyncClient
    mailbox: Mailbox
    things: dict[str, str] = field(default_factory=dict)
    spare: list[str] = field(default_factory=list)
    """Links to the evaluation of yesterday's meeting that nobody has used."""

    def url(self, path: str, language: str = "sv") -> str:
        """Return an address; {names} of things in it are filled in."""
        return f"{self.address}/{language}{path.format(**self.things)}"

    async def does(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the API as the administrator; return what it answers."""
        answer = await self.admin.request(method, path.format(**self.things), json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def makes(self, name: str, path: str, body: Mapping[str, Any]) -> str:
        """Make a thing and keep its id under a name."""
        made = await self.does("POST", path, body)
        self.things[name] = str(made["id"])
        return self.things[name]

    async def is_now(self, at: datetime) -> None:
        """Move the clock, and wait for all that falls due on the way."""
        await self.does("PUT", "/v1/clock", {"now": text(at)})

    async def settles(self) -> None:
        """Wait until nothing is left to do."""
        clock = await self.does("GET", "/v1/clock")
        await self.is_now(datetime.fromisoformat(clock["now"]))

    async def link_to(self, address: str) -> str:
        """Return the token of the link that was last mailed to an address."""
        await self.settles()
        return self.mailbox.token(address)

    async def session(self, *scopes: str) -> str:
        """Return the token of somebody who has signed in; with all scopes where none is named."""
        token = await self.sign_in_link(*scopes)
        return str((await self.does("POST", "/v1/sessions", {"token": token}))["token"])

    async def sign_in_link(self, *scopes: str) -> str:
        """Return a sign-in link that nobody has used."""
        link = await self.does("POST", "/v1/sign-in-links", {"scopes": list(scopes or SCOPES)})
        return str(link["token"])


def text(at: datetime) -> str:
    """Return an instant as the API takes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@asynccontextmanager
async def lived_at(address: str, key: str, mail: Path) -> AsyncIterator[Lively]:
    """Let the house at an address, which stands at BEGINS, live until NOW."""
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(
        base_url=address, headers=headers, timeout=120, trust_env=False
    ) as admin:
        lively = Lively(address, admin, Mailbox(mail))
        await _open(lively)
        await _last_year(lively)
        await _yesterday(lively)
        await _today(lively)
        await _coming(lively)
        await lively.is_now(NOW)
        yield lively


@asynccontextmanager
async def lively_house(folder: Path) -> AsyncIterator[Lively]:
    """Run the whole house on a port of 127.0.0.1, and let it live until NOW."""
    port = free_port()
    settings = ProcessSettings.model_validate({"data": folder, "PORT": port, "replay_from": BEGINS})
    house = whole_house(settings)
    await house.start()
    server = uvicorn.Server(
        uvicorn.Config(house.front.app, port=port, lifespan="off", log_config=None)
    )
    serving = asyncio.create_task(server.serve())
    try:
        key = await ensure_first_key(house.front.store, folder)
        assert key is not None
        async with lived_at(f"http://127.0.0.1:{port}", key, folder / "mail") as lively:
            yield lively
    finally:
        house.front.drain()
        server.should_exit = True
        await serving
        await house.stop()


async def _open(it: Lively) -> None:
    venue = {"name": "Nobel 21", "time_zone": "Europe/Stockholm"}
    venue_id = await it.makes("venue", "/v1/venues", venue)
    for number, (name, capacity) in enumerate(ROOMS):
        body = {
            "venue_id": venue_id,
            "name": name,
            "capacity": capacity,
            "equipment": ["projector", "hearing-loop"] if number % 2 == 0 else ["kitchen"],
            "opens_at": "08:00",
            "closes_at": "22:00",
            "needs_approval": number == len(ROOMS) - 1,
        }
        await it.makes(f"room_{number}", "/v1/rooms", body)
    for number, name in enumerate(("Kvarterskören", "Språkkaféet")):
        body = {"name": name, "kind": "association", "sector": "association"}
        await it.makes(f"org_{number}", "/v1/organisations", body)
    await it.settles()


async def _last_year(it: Lively) -> None:
    """2022: two meetings that were evaluated, a quote, visits, and the year closed."""
    for key, titles in (
        ("jamlik-halsa", {"sv": "Jämlik hälsa", "en": "Equal health"}),
        ("trygghet", {"sv": "Trygghet nära hemmet"}),
    ):
        theme = {"year": 2022, "key": key, "titles": titles}
        await it.makes(f"theme_{key.replace('-', '_')}", "/v1/themes", theme)
    await _event(it, "autumn", datetime(2022, 11, 10, 8, tzinfo=UTC), 3, format="dialogforum",
                 titles={"sv": "Hat och hot i Malmö", "en": "Hate and threats in Malmö"},
                 theme_id=it.things["theme_trygghet"])  # fmt: skip
    await _event(it, "winter", datetime(2022, 11, 17, 11, tzinfo=UTC), 1, format="larandelunch",
                 titles={"sv": "Föreningar nära barn", "en": "Associations near children"},
                 theme_id=it.things["theme_jamlik_halsa"])  # fmt: skip
    for name, day, ratings in (
        ("autumn", 10, (5, 5, 4, 4, 4, 3, 5, 4, 2, 5, 4, 4)),
        ("winter", 17, (5, 4, 5)),
    ):
        await it.is_now(datetime(2022, 11, day, 14, tzinfo=UTC))
        survey_id, tokens = await _surveyed(it, name, 40)
        for token, rating in zip(tokens, ratings, strict=False):
            answer = {"ballot": token, "rating": rating}
            await it.does("POST", f"/v1/surveys/{survey_id}/answers", answer)
        words = {"ballot": tokens[0], "text": "Nu vet jag vem jag kan ringa.", "may_quote": True}
        await it.does("POST", f"/v1/surveys/{survey_id}/words", words)
        await it.does("POST", f"/v1/surveys/{survey_id}/closing")
    await it.settles()
    quotes = (await it.does("GET", "/v1/quotes?status=proposed"))["items"]
    for quote in quotes[:1]:
        await it.does("POST", f"/v1/quotes/{quote['id']}/approval", {})
    await it.is_now(datetime(2023, 1, 10, 9, tzinfo=UTC))
    for counted, visits in (("2022-11-08", 210), ("2022-11-21", 340), ("2022-12-05", 180)):
        path = f"/v1/venues/{it.things['venue']}/visit-counts/{counted}"
        await it.does("PUT", path, {"visits": visits})
    await it.does("POST", "/v1/years/2022/closing")
    await it.settles()


async def _yesterday(it: Lively) -> None:
    """A meeting with people who registered and came: its survey is open."""
    await it.is_now(datetime(2023, 10, 2, 7, tzinfo=UTC))
    await _event(it, "yesterday", datetime(2023, 10, 9, 8, tzinfo=UTC), 2, format="dialogforum",
                 titles={"sv": "Jämlik hälsa", "en": "Equal health"})  # fmt: skip
    for name in VISITORS:
        await _register(it, "yesterday", name)
    await it.is_now(datetime(2023, 10, 9, 8, 30, tzinfo=UTC))
    for name in VISITORS:
        path = f"/v1/registrations/{it.things['yesterday_' + name]}/attendance"
        await it.does("POST", path, {"attended": True})
    await it.is_now(datetime(2023, 10, 9, 11, tzinfo=UTC))
    survey_id, it.spare = await _surveyed(it, "yesterday", 20)
    it.things["survey"] = survey_id
    it.things["ballot"] = it.spare.pop()


async def _surveyed(it: Lively, name: str, people: int) -> tuple[str, list[str]]:
    event_id = it.things[name]
    await it.does("POST", f"/v1/events/{event_id}/head-counts", {"people": people})
    await it.does("POST", f"/v1/events/{event_id}/attendance-closing")
    await it.settles()
    survey = (await it.does("GET", f"/v1/surveys?event_id={event_id}"))["items"][0]
    sheets = {"survey_id": survey["id"], "count": people}
    links = (await it.does("POST", "/v1/ballot-sheets", sheets))["links"]
    return survey["id"], [link.rpartition("/")[2] for link in links]


async def _today(it: Lively) -> None:
    """Five rooms in use, one wish to decide about, a meeting that is going on."""
    await it.is_now(datetime(2023, 10, 10, 6, tzinfo=UTC))
    for number in (1, 2, 3, 5, 6):
        body = _booking(it, number, NOW - timedelta(minutes=90), 4)
        await it.makes(f"booking_{number}", "/v1/bookings", body)
    for number, days in ((0, 1), (0, 3), (4, 2), (7, 1)):
        body = _booking(it, number, NOW + timedelta(days=days), 2)
        await it.makes(f"booking_{number}_{days}", "/v1/bookings", body)
    await _event(it, "door", NOW - timedelta(minutes=30), 2, format="malmotimmen", capacity=60,
                 titles={"sv": "Föreningslivet och skolan"}, room_id=it.things["room_0"],
                 place=None)  # fmt: skip
    for name in ("Amina Ali", "Ahmed Omar", "Åsa Öberg", "Yara Haddad"):
        await _register(it, "door", name)


def _booking(it: Lively, room: int, starts_at: datetime, hours: int) -> dict[str, Any]:
    return {
        "room_id": it.things[f"room_{room}"],
        "organisation_id": it.things["org_0"],
        "purpose": "Körövning",
        "starts_at": text(starts_at),
        "ends_at": text(starts_at + timedelta(hours=hours)),
        "expected_people": 8,
    }


async def _coming(it: Lively) -> None:
    """Meetings of each kind: a full one, few places, a course, one interpreted, a draft."""
    soon = datetime(2023, 10, 19, 7, tzinfo=UTC)
    await _event(it, "open", soon, 3, format="dialogforum", interpreted_to=["ar"], place=None,
                 titles={"sv": "Jämlik hälsa – rörelse och kost i ökningen av diabetes typ 2",
                         "ar": "المساواة في الصحة – الحركة والتغذية"},
                 summaries={"sv": "Diabetes typ 2 ökar i Malmö.\n\nVad kan vi göra tillsammans?"},
                 accessibility="Utan trösklar, hörslinga, anpassad toalett",
                 room_id=it.things["room_0"])  # fmt: skip
    await _event(it, "full", soon + timedelta(days=2), 1, format="larandelunch", capacity=1,
                 titles={"sv": "Bulltofta SIF: ungas ledarskap", "en": "Young"})  # fmt: skip
    await _event(it, "few", soon + timedelta(days=5), 2, format="workshop", capacity=5,
                 titles={"sv": "Skriv så att alla förstår"})  # fmt: skip
    await _event(it, "course", soon + timedelta(days=7), 2, format="kurs", capacity=4,
                 admission="application", registration_closes_at="2023-10-20T21:59:00Z",
                 titles={"sv": "Medskapa förändring", "en": "Making change together"})  # fmt: skip
    await _event(it, "draft", soon + timedelta(days=30), 2, publish=False, format="ovrigt",
                 titles={"sv": "Frukost om gården"})  # fmt: skip
    for event, name in (("full", "ines"), ("full", "jon"), ("few", "kim"), ("few", "lo")):
        await _register(it, event, name)
    for name in ("maja", "nils"):
        await _register(it, "course", name)
    await it.settles()
    it.things["place"] = it.mailbox.token("kim@example.org")


async def _event(
    it: Lively, name: str, at: datetime, hours: int, *, publish: bool = True, **more: Any
) -> None:
    body = {
        "capacity": 80,
        "starts_at": text(at),
        "ends_at": text(at + timedelta(hours=hours)),
        "time_zone": "Europe/Stockholm",
        "place": "Nobel 21",
        "admission": "first-come",
        "partners": [{"organisation_id": it.things["org_0"], "role": "partner"}],
        **more,
    }
    event_id = await it.makes(name, "/v1/events", body)
    await it.settles()
    if publish:
        await it.does("POST", f"/v1/events/{event_id}/publication")
        await it.settles()


async def _register(it: Lively, event: str, name: str) -> None:
    body = {
        "name": name if " " in name else f"{name.title()} Test",
        "contact": {"email": f"{name.partition(' ')[0].lower().replace('å', 'a')}@example.org"},
        "sector": "association",
        "language": "sv",
    }
    await it.makes(f"{event}_{name}", f"/v1/events/{it.things[event]}/registrations", body)
