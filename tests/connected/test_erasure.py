"""Who is erased is gone from every row, and comes back by no replay of the topics."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import asyncpg

from services.supervisor import Distributed
from services.topology import PARTS
from shared.messaging.broker import KafkaBus
from shared.messaging.credentials import Credentials
from shared.messaging.declaration import GroupInUse
from shared.messaging.principals import ADMIN
from shared.messaging.subscription import Subscription
from shared.security.keyring import Keyring
from tests.connected.house import MARKS, Servers, connected
from tests.connected.looking import bus_of, metrics_of, rows_of, sightings, told_outside
from tests.journeys.house import House, entered
from tests.journeys.journey import BEGIN
from tests.journeys.test_erasure import Ids, erase, figures_of, is_erased, live, telling

pytestmark = MARKS

MEMBERS_GONE_SECONDS = 40
LOST = ("notifications", "reporting")
"""Databases that are lost, and made again from what the topics hold."""


async def test_whoever_is_erased_is_gone_and_stays_gone(servers: Servers) -> None:
    """No row, log or metric tells of the person, at once and after a replay; the counts stay."""
    async with connected(servers, BEGIN) as (fleet, house):
        ids = await live(house)
        figures = await figures_of(house)
        secrets = telling(Keyring.open(fleet.folder / "keys"), await causes(servers))
        seen = {
            each.partition(" in ")[0].partition(" 0")[0] for each in await found(fleet, secrets)
        }
        assert seen >= {"name", "address", "need", "person of 2023", "mark", "recipient"}
        await erase(house, ids)
        assert await found(fleet, secrets) == []
        assert await figures_of(house) == figures
        now = (await house.admin.get("/v1/clock"))["now"]
        fleet.stop()
        await forget(servers)
        await heard_again(servers)
        for process in fleet.processes.values():
            process.environment["ANDAN_REPLAY_FROM"] = now
            fleet.launch(process.name)
        fleet.wait_until_ready()
        async with entered(fleet.gateway, fleet.folder, fleet.folder / "mail") as again:
            await returns_nobody(again, ids, datetime.fromisoformat(now))
            assert await figures_of(again) == figures
        assert await found(fleet, secrets) == []
    assert sightings(bus_of(servers), plain(secrets)) == []


async def returns_nobody(house: House, ids: Ids, now: datetime) -> None:
    """See that nobody has come back, at once and a while later."""
    shown = await house.admin.get(f"/v1/registrations/{ids.past}")
    assert shown.get("name") is None, "it answers before it has heard who is erased"
    await house.rest()
    await house.until(now + timedelta(minutes=5))
    await is_erased(house, ids)


async def found(fleet: Distributed, secrets: Mapping[str, str]) -> list[str]:
    """Say what of the person lies where: in any database, a letter, a log or a figure."""
    kept = await rows_of(fleet.postgres) | told_outside(fleet) | await metrics_of(fleet)
    kept |= {f"mail/{path.name}": path.read_bytes() for path in (fleet.folder / "mail").iterdir()}
    return sightings(kept, secrets)


def plain(secrets: Mapping[str, str]) -> dict[str, str]:
    """Return what must not even for a moment lie on the bus: neither as it is nor in plain hashes.

    Which person of a year somebody was does lie there, by a hash whose key is destroyed.
    """
    return {what: each for what, each in secrets.items() if what != "person of 2023"}


async def causes(servers: Servers) -> list[str]:
    """Return the ids of the messages that letters were written about."""
    connection = await asyncpg.connect(servers.postgres.url("notifications"))
    try:
        return [row[0] for row in await connection.fetch("SELECT message_id FROM delivery")]
    finally:
        await connection.close()


async def forget(servers: Servers) -> None:
    """Let databases be lost."""
    connection = await asyncpg.connect(servers.postgres.url())
    try:
        for name in LOST:
            await connection.execute(f"DROP DATABASE {name}")
    finally:
        await connection.close()
    for name in LOST:
        await servers.postgres.create_database(name)


async def heard_again(servers: Servers) -> None:
    """Have everybody hear all topics from their beginning again."""
    assert servers.kafka.admin_password is not None
    bus = KafkaBus(
        servers.kafka.bootstrap_servers,
        credentials=Credentials(ADMIN, servers.kafka.admin_password),
    )
    await bus.start()
    try:
        for parts in PARTS.values():
            for each in parts.subscriptions:
                await rewound(bus, each)
    finally:
        await bus.stop()


async def rewound(bus: KafkaBus, subscription: Subscription) -> None:
    """Set a group back, once its members, who say no goodbye, have been away for long enough."""
    async with asyncio.timeout(MEMBERS_GONE_SECONDS):
        while True:
            try:
                await bus.rewind(subscription.group, subscription.topics)
                return
            except GroupInUse:
                await asyncio.sleep(0.5)
