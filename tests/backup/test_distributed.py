"""The same on PostgreSQL and Kafka: databases restored, consumers set back, topics gone on."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from services.backup import distributed
from services.settings import ProcessSettings
from services.supervisor import Distributed
from shared.messaging.positions import KafkaPositions, Positions
from tests.backup.lives import FirstLife, command, differences, live, rest, told
from tests.connected.house import Servers, begun, connected
from tests.failures.checkers import (
    Held,
    agree,
    each_acknowledged_once,
    each_effect_has_a_cause,
    letters_as_caused,
    never_over,
    one_effect_per_intent,
)
from tests.failures.platform_campaign import BEGIN, BOOK, REGISTER, Seen, Traffic, look, scenery
from tests.journeys.house import House

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.connected,
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.postgres,
]

READ_BY_RESTORE = (
    "DATABASE_URL",
    "KAFKA_BOOTSTRAP_SERVERS",
    "KAFKA_USERNAME",
    "KAFKA_PASSWORD",
)
NAME, ADDRESS = "Quetzalina Erasdottir", "quetzalina.erased@canary.example"


@pytest.fixture
def servers() -> Iterator[Servers]:
    """A Kafka and a PostgreSQL of the test's own."""
    with begun() as both:
        yield both


@asynccontextmanager
async def running(servers: Servers) -> AsyncIterator[tuple[House, Distributed]]:
    """Run every service of the house; at the end all are stopped."""
    async with connected(servers, BEGIN) as (fleet, house):
        yield house, fleet


@pytest.mark.timeout(900)
async def test_databases_restored(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """What was acknowledged before the backup is there, every letter came once over both lives,
    who was erased since is gone; and consumers that are not set back are found out.
    """
    data, archive = servers.folder / "var", servers.folder / "archive.tar"
    async with running(servers) as (house, fleet):
        environment = fleet.admin_environment
        traffic = Traffic(await scenery(house), random.Random(seed))
        person = await registered(house, traffic)

        async def back_up() -> None:
            await asyncio.to_thread(told, data, "backup", str(archive), environment=environment)

        first = await live(traffic, house, back_up, (25, 15))
        await house.admin.post(f"/v1/registrations/{person}/erasure", expect=200)
        await rest(house)
        refused = command(data, "restore", str(archive), "--force", environment=environment)
        assert "stop them first" in refused.stderr
    refused = command(data, "restore", str(archive), environment=environment)
    assert "--force" in refused.stderr
    assert await told_of(environment) == set()
    told(data, "restore", str(archive), "--force", environment=environment)
    assert await told_of(environment) == {"events", "notifications"}
    async with running(servers) as (house, _):
        await rest(house)
        seen = await look(house, traffic.scenery)
    agree(seed, wrong_with(first, seen, person))
    assert await told_of(environment) == set()
    agree(seed, await missed(servers, environment))

    async def leave(self: KafkaPositions, positions: Positions) -> None:
        assert positions

    monkeypatch.setattr(KafkaPositions, "set_back", leave)
    settings = ProcessSettings.model_validate(
        {
            "data": data,
            **{name: environment[name] for name in READ_BY_RESTORE},
        }
    )
    await distributed.restore(settings, archive, force=True)
    async with running(servers) as (house, _):
        await rest(house)
    assert await missed(servers, environment), f"seed {seed}: it was not found out"


async def registered(house: House, traffic: Traffic) -> str:
    """Register somebody who will be erased; return the registration."""
    event = next(iter(traffic.scenery.events))
    wish = {"name": NAME, "contact": {"email": ADDRESS}, "sector": "academia"}
    made = await house.admin.post(f"/v1/events/{event}/registrations", wish)
    await rest(house)
    return str(made["id"])


async def told_of(environment: dict[str, str]) -> set[str]:
    """Return the services whose databases tell of the person by name or address."""
    found = set()
    for service in ("events", "notifications", "booking", "gateway", "reporting"):
        connection = await asyncpg.connect(
            environment["DATABASE_URL"].replace("{service}", service)
        )
        try:
            tables = await connection.fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
            for (table,) in tables:
                rows = await connection.fetch(f'SELECT t::text FROM "{table}" t')
                if any(text in row[0] for row in rows for text in (NAME, ADDRESS)):
                    found.add(service)
        finally:
            await connection.close()
    return found


def wrong_with(first: FirstLife, seen: Seen, erased: str) -> list[str]:
    """Return what is wrong with the second life; whoever was erased has no name there."""
    traffic = first.as_of_the_backup()
    everybody = [each for rows in seen.registrations.values() for each in rows]
    people = [Held(each["id"], each["name"]) for each in everybody if each["id"] != erased]
    bookings = [Held(each["id"], each["purpose"]) for each in seen.bookings]
    wrong = [f"parked: {each}" for each in seen.parked]
    for action, held in ((REGISTER, people), (BOOK, bookings)):
        wrong += each_acknowledged_once(traffic.history, action, held)
        wrong += each_effect_has_a_cause(traffic.history, action, held)
        wrong += one_effect_per_intent(traffic.history, action, held)
    taken = {event: places["taken"] for event, places in seen.places.items()}
    wrong += never_over(traffic.scenery.events, taken)
    gone = Counter({key: count for key, count in first.seen.letters.items() if key[0] == ADDRESS})
    return wrong + letters_as_caused(first.seen.letters - gone, seen.letters - gone)


async def missed(servers: Servers, environment: dict[str, str]) -> list[str]:
    """Rebuild reporting from the topics; return what it lacked before."""
    url = environment["DATABASE_URL"].replace("{service}", "reporting")
    lived = await projected(url)
    connection = await asyncpg.connect(url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    async with running(servers) as (house, _):
        await rest(house)
    return differences(lived, await projected(url))


async def projected(url: str) -> dict[str, tuple[str, ...]]:
    """Return the facts that reporting keeps, by the ids of their messages."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT message_id, type, scope, slot, data FROM fact")
    finally:
        await connection.close()
    return {row[0]: tuple(row)[1:] for row in rows}
