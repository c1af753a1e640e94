"""Letters as the other services really cause them, over one bus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from services.booking.app import create_service as create_booking
from services.events.app import create_service as create_events
from services.notifications.app import create_service as create_notifications
from services.notifications.settings import Settings
from services.surveys.app import create_service as create_surveys
from shared.clock import ReplayClock
from shared.contracts.directory import OrganisationRegistered
from shared.contracts.every import CONTRACTS
from shared.contracts.topics import TOPICS
from shared.contracts.words import OrganisationKind
from shared.messaging.broker import EmbeddedBus
from shared.messaging.embedded.log import EmbeddedLog
from shared.observability.metrics import Metrics
from shared.quiet import until_quiet
from shared.security.keyring import Keyring
from shared.security.principal import PUBLIC
from shared.service import Service
from shared.store.plumbing import dead_letter, waiting
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import ADMIN, Running
from tests.notifications.scene import NOON, calendar_of, invited, look_again, parsed, text_of

pytestmark = pytest.mark.anyio


class House:
    """Notifications and the services that it hears."""

    def __init__(self, runs: list[Running], clock: ReplayClock, folder: Path) -> None:
        self.teller = runs[0]
        self.runs = runs
        self.notifications = runs[-1].service
        self.clock = clock
        self._folder = folder

    async def mails(self) -> list[EmailMessage]:
        """Return all mails once nothing is left to do, an hour later."""
        await self.quiet()
        self.clock.move(self.clock.now() + timedelta(hours=1))
        await self.quiet()
        async with self.notifications.store.read() as reader:
            for table in (waiting, dead_letter):
                assert await reader.scalar(select(func.count()).select_from(table)) == 0
        return [parsed(each.read_bytes()) for each in sorted(self._folder.glob("mail/*.eml"))]

    async def quiet(self) -> None:
        """Return when what was told is written, and what is due at this instant is done."""
        services = [each.service for each in self.runs]
        await until_quiet([each.quiet for each in services])
        await look_again(self.notifications)
        await until_quiet([each.quiet for each in services])


@asynccontextmanager
async def house(
    create: Any, make_url: MakeUrl, folder: Path, dialect: str, *others: Any
) -> AsyncIterator[House]:
    """Start notifications beside the service that `create` makes, and `others`."""
    assert CONTRACTS
    clock, keyring = ReplayClock(NOON), Keyring.open(folder / "keys")
    bus, metrics = EmbeddedBus(EmbeddedLog(folder / "log.sqlite")), Metrics(with_process=False)

    async def make(maker: Any) -> Service:
        url = await make_url(dialect)
        values = {"data": folder, "source": "https://test.example", "DATABASE_URL": url}
        made: Service = maker(Settings.model_validate(values), clock, bus, keyring, metrics)
        return made

    services = [await make(each) for each in (create, *others, create_notifications)]
    heard = [each for service in services for each in service.parts.subscriptions]
    await bus.start()
    await bus.declare([*TOPICS.values(), *(each.dead_letters for each in heard)])
    for service in services:
        await service.start()
    try:
        runs = [Running(each, bus, keyring, keyring.inner_key()) for each in services]
        yield House(runs, clock, folder)
    finally:
        for service in services:
            await service.stop()
        await bus.stop()


def to_and_subject(mail: EmailMessage) -> tuple[str, str]:
    """Return who a mail is to and what it is about."""
    return mail["To"].addresses[0].addr_spec, mail["Subject"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_registrations_are_told(make_url: MakeUrl, tmp_path: Path, dialect: str) -> None:
    """From the public form to the link, a full event, a cancellation and a promotion."""
    async with (
        house(create_events, make_url, tmp_path, dialect) as it,
        it.teller.client(ADMIN) as clerk,
        it.teller.client(PUBLIC) as public,
    ):
        event = {
            "format": "dialogforum",
            "titles": {"sv": "Jämlik hälsa"},
            "capacity": 1,
            "starts_at": "2023-05-11T07:00:00Z",
            "ends_at": "2023-05-11T10:00:00Z",
            "time_zone": "Europe/Stockholm",
            "place": "Salen",
            "online_url": "https://example.org/stream",
            "admission": "first-come",
        }
        event_id = (await clerk.post("/v1/events", json=event)).json()["id"]
        assert (await clerk.post(f"/v1/events/{event_id}/publication")).status_code == 200
        path = f"/v1/events/{event_id}/registrations"
        ids = []
        for client, name in ((public, "asa"), (clerk, "bo"), (clerk, "cecilia")):
            person = {
                "name": name.title(),
                "contact": {"email": f"{name}@example.org"},
                "sector": "association",
                "language": "sv",
            }
            answer = await client.post(path, json=person)
            assert answer.status_code == 201
            ids.append(answer.json()["id"])
        without = {"name": "Dag", "sector": "other", "language": "sv"}
        assert (await clerk.post(path, json=without)).status_code == 201
        await it.quiet()  # a letter that is written after a cancellation tells no address to stream
        assert (await clerk.post(f"/v1/registrations/{ids[1]}/cancellation")).status_code == 200
        mails = await it.mails()
        assert sorted(to_and_subject(mail) for mail in mails) == [
            ("asa@example.org", "Bekräfta din anmälan: Jämlik hälsa"),
            ("bo@example.org", "Avbokat: Jämlik hälsa"),
            ("bo@example.org", "Du har en plats: Jämlik hälsa"),
            ("cecilia@example.org", "Du står i kö: Jämlik hälsa"),
            ("cecilia@example.org", "En plats blev ledig: Jämlik hälsa"),
        ]
        (placed,) = [mail for mail in mails if "Du har en plats" in mail["Subject"]]
        assert "https://example.org/stream" in text_of(placed)
        assert calendar_of(placed) is not None


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_who_came_can_say_what_they_thought(
    make_url: MakeUrl, tmp_path: Path, dialect: str
) -> None:
    """From the door to the answer: a ballot for each who came, by mail or on paper, good once."""
    async with (
        house(create_events, make_url, tmp_path, dialect, create_surveys) as it,
        it.teller.client(ADMIN) as clerk,
        it.runs[1].client(PUBLIC) as surveys,
        it.runs[2].client(ADMIN) as sheets,
    ):
        event = {
            "format": "dialogforum",
            "titles": {"sv": "Jämlik hälsa"},
            "capacity": 20,
            "starts_at": "2023-04-03T07:00:00Z",
            "ends_at": "2023-04-03T10:00:00Z",
            "time_zone": "Europe/Stockholm",
            "place": "Salen",
            "admission": "first-come",
        }
        event_id = (await clerk.post("/v1/events", json=event)).json()["id"]
        assert (await clerk.post(f"/v1/events/{event_id}/publication")).status_code == 200
        ids = []
        for number in range(4):
            person = {
                "name": f"Person {number}",
                "contact": {"email": f"p{number}@example.org"},
                "sector": "association",
                "language": "sv",
            }
            path = f"/v1/events/{event_id}/registrations"
            ids.append((await clerk.post(path, json=person)).json()["id"])
        await it.quiet()
        it.clock.move(NOON + timedelta(days=2))
        for registration in ids[:3]:
            path = f"/v1/registrations/{registration}/attendance"
            assert (await clerk.post(path, json={"attended": True})).status_code == 200
        heads = await clerk.post(f"/v1/events/{event_id}/walk-ins", json={"people": 2})
        assert heads.status_code < 300, heads.text
        closed = await clerk.post(f"/v1/events/{event_id}/attendance-closing")
        assert closed.status_code < 300, closed.text
        await it.quiet()
        ballots = invited(await it.mails())
        assert set(ballots) == {f"p{number}@example.org" for number in range(3)}
        (survey,) = (await surveys.get(f"/v1/surveys?event_id={event_id}")).json()["items"]
        wanted = {"survey_id": survey["id"], "count": 2}
        links = (await sheets.post("/v1/ballot-sheets", json=wanted)).json()["links"]
        tokens = [*ballots.values(), *(link.rsplit("/", 1)[1] for link in links)]
        assert len(set(tokens)) == 5
        path = f"/v1/surveys/{survey['id']}/answers"
        for status in (204, 409):
            for token in tokens:
                answer = await surveys.post(path, json={"ballot": token, "rating": 4})
                assert answer.status_code == status, answer.text


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_bookings_are_told(make_url: MakeUrl, tmp_path: Path, dialect: str) -> None:
    """A booking with a contact is confirmed and cancelled by letter, one without in silence."""
    async with (
        house(create_booking, make_url, tmp_path, dialect) as it,
        it.teller.client(ADMIN) as clerk,
    ):
        venue = {"name": "Föreningscentret", "time_zone": "Europe/Stockholm"}
        venue_id = (await clerk.post("/v1/venues", json=venue)).json()["id"]
        room = {
            "venue_id": venue_id,
            "name": "Salen",
            "capacity": 70,
            "equipment": [],
            "opens_at": "08:00",
            "closes_at": "22:00",
            "buffer_minutes": 0,
            "needs_approval": False,
        }
        room_id = (await clerk.post("/v1/rooms", json=room)).json()["id"]
        await it.teller.hear(
            OrganisationRegistered(
                organisation_id="o1",
                kind=OrganisationKind.ASSOCIATION,
                name="Föreningen",
                listed=True,
            )
        )
        await it.mails()
        ids = []
        for hour, contact in ((15, {"email": "alex@example.org"}), (18, None)):
            booking: dict[str, object] = {
                "room_id": room_id,
                "organisation_id": "o1",
                "purpose": "Styrelsemöte",
                "starts_at": f"2023-04-04T{hour}:00:00Z",
                "ends_at": f"2023-04-04T{hour + 1}:00:00Z",
                "expected_people": 20,
            }
            if contact is not None:
                booking["contact"] = {"name": "Alex Ek", "language": "sv", **contact}
            answer = await clerk.post("/v1/bookings", json=booking)
            assert answer.status_code == 201, answer.text
            ids.append(answer.json()["id"])
        assert (await clerk.post(f"/v1/bookings/{ids[0]}/cancellation")).status_code == 200
        mails = await it.mails()
        assert [to_and_subject(mail) for mail in mails] == [
            ("alex@example.org", "Bokningen är bekräftad: Salen"),
            ("alex@example.org", "Bokningen är avbokad: Salen"),
        ]
        assert "tisdag 4 april 2023, 17.00–18.00" in text_of(mails[0])
