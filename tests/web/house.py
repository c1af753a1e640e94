"""A whole house in this process, with a week of rooms and meetings, as a browser meets it."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default as policy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2

from services.topology import House
from shared.clock import ReplayClock
from shared.quiet import until_quiet
from tests.web.started import SOURCE, client_of, started

START = datetime(2023, 10, 10, 8, 30, tzinfo=UTC)
_LINK = re.compile(r"http://127\.0\.0\.1:8000(/[a-z]{2}/r/[0-9A-Za-z_.~-]+)")


@dataclass
class Form:
    """A form of a page: where it goes, and what is in it before anybody types."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(found.get("action", ""), found.get("method", "get")))
            self._open = True
        elif self._open and tag in ("input", "textarea", "select", "button"):
            form = self.forms[-1]
            if name := found.get("name"):
                form.ids.add(name)
                if tag == "input" and found.get("type") not in ("checkbox", "radio"):
                    form.fields[name] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


def forms(html: str) -> list[Form]:
    """Return the forms of a page."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


def posting(html: str, with_field: str = "") -> Form:
    """Return the form of a page that changes something, perhaps the one with a field."""
    found = [each for each in forms(html) if each.method == "post"]
    return next(each for each in found if not with_field or with_field in each.ids)


class Visitor:
    """A browser without JavaScript: follows redirects when asked, keeps cookies, fills in forms."""

    def __init__(self, app: Any, *, address: str = "127.0.0.1", **headers: str) -> None:
        transport = httpx2.ASGITransport(app=app, client=(address, 1))
        self.http = httpx2.AsyncClient(transport=transport, base_url=SOURCE, headers=headers)

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """Open a page."""
        return await self.http.get(path.partition("#")[0], headers=headers)

    async def post(self, path: str, fields: Mapping[str, Any], **headers: str) -> httpx2.Response:
        """Send a form as a browser does."""
        given = {"origin": SOURCE, "sec-fetch-site": "same-origin", **headers}
        return await self.http.post(
            path.partition("#")[0], data=dict(fields), headers={k: v for k, v in given.items() if v}
        )

    async def send(
        self, page: httpx2.Response, with_field: str = "", /, **typed: Any
    ) -> httpx2.Response:
        """Fill in the form of a page and send it; what it redirects to is not opened."""
        form = posting(page.text, with_field)
        return await self.post(form.action, {**form.fields, **typed})

    async def follow(self, answer: httpx2.Response) -> httpx2.Response:
        """Open what an answer redirects to."""
        assert answer.status_code == 303, answer.text
        return await self.get(answer.headers["location"])


@dataclass
class Opened:
    """The house with its week, and a way in for each kind of caller."""

    house: House
    folder: Path
    clock: ReplayClock
    admin: httpx2.AsyncClient
    rooms: list[dict[str, Any]]
    events: dict[str, dict[str, Any]]
    key: str

    def visitor(self, **headers: str) -> Visitor:
        """Return a browser of somebody new."""
        return Visitor(self.house.front.app, **headers)

    async def quiet(self) -> None:
        """Wait until nothing is left to do."""
        await until_quiet([each.quiet for each in self.house.services], seconds=20)

    async def link_mailed_to(self, address: str) -> str:
        """Return the path of the newest link in the letters to an address."""
        await self.quiet()
        found = []
        for path in (self.folder / "mail").glob("*.eml"):
            mail = message_from_bytes(path.read_bytes(), policy=policy)
            body = mail.get_body(("plain",))
            if address in str(mail["To"]) and body and (link := _LINK.search(body.get_content())):
                found.append((path.stat().st_mtime_ns, link[1]))
        return max(found)[1]


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Opened]:
    """Run a house on a replay clock and fill it with a week; stop it at the end."""
    async with started(folder, START) as (house, key), client_of(house, key) as admin:
        clock = house.clock
        assert isinstance(clock, ReplayClock)
        made = Opened(house, folder, clock, admin, [], {}, key)
        await _fill(made)
        await made.quiet()
        yield made


async def _made(admin: httpx2.AsyncClient, path: str, body: Mapping[str, Any]) -> Any:
    answer = await admin.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def _fill(made: Opened) -> None:
    admin = made.admin
    venue = await _made(admin, "/v1/venues", {"name": "Nobel 21", "time_zone": "Europe/Stockholm"})
    names = ["Stora salen", "Lindängen", "Möllan", "Köket"]
    names += ["Sofielund", "Ateljén", "Rosengård", "Kirseberg"]
    for number, name in enumerate(names):
        body = {
            "venue_id": venue["id"],
            "name": name,
            "capacity": 80 if number == 0 else 12 + number,
            "equipment": ["projector", "hearing-loop"] if number % 2 == 0 else ["kitchen"],
            "opens_at": "08:00",
            "closes_at": "22:00",
        }
        made.rooms.append(await _made(admin, "/v1/rooms", body))
    organisation = await _made(
        admin,
        "/v1/organisations",
        {"name": "Ungdomslyftet", "kind": "association", "sector": "association"},
    )
    await made.quiet()
    for room in (made.rooms[2], made.rooms[7]):
        body = {
            "room_id": room["id"],
            "organisation_id": organisation["id"],
            "purpose": "Språkkafé",
            "starts_at": _text(START - timedelta(minutes=30) + timedelta(hours=1)),
            "ends_at": _text(START + timedelta(hours=3)),
            "expected_people": 8,
        }
        await _made(admin, "/v1/bookings", body)
    theme = await _made(
        admin,
        "/v1/themes",
        {"year": 2023, "key": "jamlik-halsa", "titles": {"sv": "Jämlik hälsa", "en": "Health"}},
    )
    await _events(made, theme["id"], organisation["id"])
    made.clock.move(START + timedelta(hours=1))


async def _events(made: Opened, theme_id: str, organisation_id: str) -> None:
    def body(days: int, hour: int, hours: int, **more: Any) -> dict[str, Any]:
        starts = datetime(2023, 10, 10, hour, tzinfo=UTC) + timedelta(days=days)
        given = {
            "capacity": 80,
            "starts_at": _text(starts),
            "ends_at": _text(starts + timedelta(hours=hours)),
            "time_zone": "Europe/Stockholm",
            "place": "MISO",
            "partners": [{"organisation_id": organisation_id, "role": "partner"}],
        }
        return {**given, **more}

    titled = {
        "lunch": body(0, 10, 1, format="larandelunch", titles={"sv": "Barnens Karta"}, capacity=4),
        "dialogue": body(
            9,
            7,
            3,
            format="dialogforum",
            titles={
                "sv": "Jämlik hälsa – rörelse och kost i ökningen av diabetes typ 2",
                "ar": "المساواة في الصحة – الحركة والتغذية",
            },
            summaries={"sv": "Diabetes typ 2 ökar i Malmö.\n\nDu behöver inte förbereda något."},
            theme_id=theme_id,
            interpreted_to=["ar"],
            accessibility="Utan trösklar, hörslinga, anpassad toalett",
            place=None,
            room_id=made.rooms[0]["id"],
        ),
        "course": body(
            14,
            15,
            2,
            format="kurs",
            titles={"sv": "Medskapa förändring", "en": "Making change together"},
            capacity=4,
            admission="application",
            registration_closes_at="2023-10-17T21:59:00Z",
            online_url="https://meet.example/1",
            sessions=[
                {
                    "starts_at": "2023-10-24T15:00:00Z",
                    "ends_at": "2023-10-24T17:00:00Z",
                    "mode": "hybrid",
                },
                {
                    "starts_at": "2023-10-25T15:00:00Z",
                    "ends_at": "2023-10-25T17:00:00Z",
                    "mode": "online",
                },
            ],
        ),
        "small": body(
            22,
            10,
            1,
            format="larandelunch",
            titles={"sv": "Bulltofta SIF: ungas ledarskap"},
            capacity=1,
        ),
    }
    titled["course"]["ends_at"] = "2023-10-25T17:00:00Z"
    for name, wanted in titled.items():
        event = await _made(made.admin, "/v1/events", wanted)
        await made.quiet()
        await _made(made.admin, f"/v1/events/{event['id']}/publication", {})
        await made.quiet()
        answer = await made.admin.get(f"/v1/events/{event['id']}")
        made.events[name] = answer.json()


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
