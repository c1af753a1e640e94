"""Registrations and bookings a second, at their service and through the gateway."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from shared.contracts.directory import OrganisationRegistered
from shared.contracts.envelope import Envelope
from shared.contracts.topics import TOPICS
from shared.contracts.words import OrganisationKind
from shared.ids import new_id
from shared.messaging.appender import OutboxRecord
from shared.messaging.broker import Bus, EmbeddedBus, KafkaBus
from shared.messaging.embedded.log import EmbeddedLog
from shared.security.inner import HEADER, InnerKey
from shared.security.keyring import Keyring
from shared.testing.running import ADMIN
from tests.bench.load import Load, Request, drive, posts
from tests.bench.results import Result
from tests.bench.servers import Child, server

CLIENTS = 16
ORGANISATION = new_id()
REGISTRATIONS = 4_000
BOOKINGS = 2_000
Fresh = Callable[[], Awaitable[Mapping[str, str]]]
"""Makes new, empty stores and returns the environment that leads to them."""

UNLIMITED = {
    "ANDAN_RATE_KEY_A_SECOND": "1000000",
    "ANDAN_RATE_KEY_BURST": "1000000",
    "ANDAN_RATE_PUBLIC_A_MINUTE": "1000000",
    "ANDAN_RATE_PAGE_A_MINUTE": "1000000",
}


@dataclass(frozen=True)
class Target:
    """A running server, who calls it, and what was prepared in it."""

    child: Child
    headers: dict[str, str]
    folder: Path
    inner_key: InnerKey | None = None

    def renew(self) -> None:
        """Let the caller go on for another half minute, where it is known by an inner token."""
        if self.inner_key is not None:
            self.headers[HEADER] = self.inner_key.mint(ADMIN)

    def client(self) -> httpx2.Client:
        """Return a client with the caller's rights."""
        return httpx2.Client(
            base_url=f"http://127.0.0.1:{self.child.port}", headers=self.headers, timeout=30
        )


@asynccontextmanager
async def service(name: str, environment: Mapping[str, str]) -> AsyncIterator[Target]:
    """Run one service alone; the caller has the gateway's inner token."""
    with tempfile.TemporaryDirectory() as folder:
        keyring = Keyring.open(Path(folder) / "keys")
        keyring.make_all()  # a process alone on Kafka makes none
        inner_key = keyring.inner_key()
        servers = environment.get("KAFKA_BOOTSTRAP_SERVERS")
        bus = (
            KafkaBus(servers) if servers else EmbeddedBus(EmbeddedLog(Path(folder) / "log.sqlite"))
        )
        await _tell_of_an_organisation(bus)
        given = {**environment, "ANDAN_DATA": folder}
        with server("services", name, ready="/readyz", environment=given) as child:
            target = Target(child, {}, Path(folder), inner_key)
            target.renew()
            yield target


@contextmanager
def whole_house(environment: Mapping[str, str], folder: Path | None = None) -> Iterator[Target]:
    """Run all services in one process; the caller has the administrator's key."""
    with tempfile.TemporaryDirectory() as temporary:
        data = folder or Path(temporary)
        given = {"ANDAN_DATA": str(data), **UNLIMITED, **environment}
        with server("services", ready="/readyz", environment=given) as child:
            key = (data / "admin-key").read_text().strip()
            yield Target(child, {"authorization": f"Bearer {key}"}, data)


async def _tell_of_an_organisation(bus: Bus) -> None:
    await bus.start()
    await bus.declare(TOPICS.values())
    message = OrganisationRegistered(
        organisation_id=ORGANISATION, name="Flamman", kind=OrganisationKind.ASSOCIATION, listed=True
    )
    envelope = Envelope(
        id=new_id(), source="https://bench.example", type=message.type, time=datetime.now(UTC)
    )
    appender = await bus.appender("bench")
    await appender.append(
        [
            OutboxRecord(
                message.topic, message.key().encode(), message.encode(), envelope.to_headers()
            )
        ]
    )
    await appender.close()
    await bus.stop()


def event(target: Target, capacity: int = 100_000) -> str:
    """Make and publish an event; return its id."""
    starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    body = {
        "format": "seminarium",
        "titles": {"sv": "Ett seminarium"},
        "capacity": capacity,
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=2)).isoformat(),
        "time_zone": "Europe/Stockholm",
        "place": "MISO",
        "admission": "first-come",
    }
    with target.client() as client:
        made = _created(client.post("/v1/events", json=body))
        client.post(f"/v1/events/{made['id']}/publication", json={}).raise_for_status()
        return str(made["id"])


def registrations(event_id: str, headers: dict[str, str]) -> Iterator[Request]:
    """Return an endless row of registrations by a key, each of another person."""

    def body(number: int) -> bytes:
        person = {
            "name": f"Person {number}",
            "contact": {"email": f"person{number}@example.org"},
            "sector": "association",
            "language": "sv",
        }
        return json.dumps(person).encode()

    path = f"/v1/events/{event_id}/registrations"
    for request in posts(path, body, headers):
        method, where, given, content = request
        yield method, where, {**given, "idempotency-key": new_id()}, content


async def register(target: Target, count: int, clients: int = CLIENTS) -> Load:
    """Register so many people for a new event."""
    rows = registrations(event(target), target.headers)
    await drive(target.child.port, rows, clients=clients, count=200)
    return all_created(await drive(target.child.port, rows, clients=clients, count=count))


async def book(target: Target, count: int, clients: int = CLIENTS) -> Load:
    """Book so many hours of a new room, none of them twice."""
    with target.client() as client:
        venue = _created(
            client.post("/v1/venues", json={"name": "Nobel 21", "time_zone": "Europe/Stockholm"})
        )
        rooms = [_room(client, venue["id"], number) for number in range(8)]
        made = client.post("/v1/organisations", json={"name": "Flamman", "kind": "association"})
    # A service alone does not know this address: it was told of the organisation beforehand.
    organisation_id = made.json()["id"] if made.status_code == 201 else ORGANISATION
    await asyncio.sleep(1)
    rows = _bookings(rooms, organisation_id, target.headers)
    return all_created(await drive(target.child.port, rows, clients=clients, count=count))


def _room(client: httpx2.Client, venue_id: str, number: int) -> str:
    body = {
        "venue_id": venue_id,
        "name": f"Room {number}",
        "capacity": 40,
        "equipment": [],
        "opens_at": "00:00",
        "closes_at": "24:00",
        "buffer_minutes": 0,
        "needs_approval": False,
    }
    return str(_created(client.post("/v1/rooms", json=body))["id"])


def _bookings(rooms: list[str], organisation_id: str, headers: dict[str, str]) -> Iterator[Request]:
    begins = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)

    def body(number: int) -> bytes:
        starts_at = begins + timedelta(hours=number // len(rooms))
        booking = {
            "room_id": rooms[number % len(rooms)],
            "organisation_id": organisation_id,
            "purpose": "meeting",
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(hours=1)).isoformat(),
            "expected_people": 10,
        }
        return json.dumps(booking).encode()

    for method, path, given, content in posts("/v1/bookings", body, headers):
        yield method, path, {**given, "idempotency-key": new_id()}, content


def _created(answer: httpx2.Response) -> Any:
    if answer.status_code != 201:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")
    return answer.json()


def all_created(load: Load) -> Load:
    """Return the load; raise where anything but 201 was answered."""
    if set(load.statuses) != {201}:
        raise RuntimeError(f"not all were created: {load.statuses}")
    return load


async def insert_limit(kind: str, target: str) -> Load:
    """Measure the bare guarded insert (or, `bare`, the bare POST) behind FastAPI."""
    environment = {"BENCH_TARGET": target}
    with server(
        "tests.bench.limits", kind, "{port}", ready="/docs", environment=environment
    ) as child:
        body = json.dumps(
            {"name": "A", "email": "a@example.org", "sector": "association", "language": "sv"}
        ).encode()
        rows = posts("/", lambda _: body, {})
        await drive(child.port, rows, clients=CLIENTS, count=500)
        return all_created(await drive(child.port, rows, clients=CLIENTS, count=REGISTRATIONS))


async def measure(
    store: str, fresh: Fresh, limit: Load, *, with_house: bool = True
) -> list[Result]:
    """Return the figures of one store beside the limit that was measured before.

    `with_house`: through the gateway of the whole house in one process, too.
    """
    results = [Result("bare guarded insert", limit.per_second, "1/s", None, store, CLIENTS)]
    for name, run, count in (
        ("registration", register, REGISTRATIONS),
        ("booking", book, BOOKINGS),
    ):
        owner = "events" if name == "registration" else "booking"
        async with service(owner, await fresh()) as target:
            load = await run(target, count)
        results += _rows(f"{name} at its service", load, limit, store)
        if not with_house:
            continue
        with whole_house(await fresh()) as target:
            load = await run(target, count)
        results += _rows(f"{name} through the gateway", load, limit, store)
    return results


def _rows(name: str, load: Load, limit: Load, store: str) -> list[Result]:
    return [
        Result(name, load.per_second, "1/s", limit.per_second, store, CLIENTS),
        Result(f"{name}, p99", load.percentile(0.99), "ms", None, store, CLIENTS),
    ]
