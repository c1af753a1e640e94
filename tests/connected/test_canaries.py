"""Personal data stays with its owners, also in the files of Kafka and PostgreSQL."""

from tests.connected.house import MARKS, Servers, connected
from tests.connected.looking import (
    bus_of,
    flushed,
    metrics_of,
    rows_of,
    sightings,
    tables_of,
    told_outside,
)
from tests.journeys.journey import BEGIN
from tests.journeys.test_canaries import CANARIES, live

pytestmark = MARKS

OTHERS = ("directory", "surveys", "reporting", "gateway")
OWNED = ("name at the desk", "address at the desk", "purpose", "need")


async def test_nothing_personal_leaves_its_owners(servers: Servers) -> None:
    """No name, address, need or secret on the bus, in others' databases, in logs or metrics."""
    async with connected(servers, BEGIN) as (fleet, house):
        lived = await live(house)
        sought = CANARIES | lived.secrets
        kept = await metrics_of(fleet) | await rows_of(servers.postgres, *OTHERS)
        folders = await flushed(servers.postgres)
        owned = b"".join(tables_of(servers, folders, of_owners=True).values())
        assert [what for what in OWNED if CANARIES[what].encode() not in owned] == []
    servers.postgres.stop()
    servers.kafka.terminate()
    bus = bus_of(servers)
    assert any(b"Seminarium" in each for each in bus.values()), "the test would see nothing there"
    kept |= bus | told_outside(fleet) | tables_of(servers, folders, of_owners=False)
    assert {"logs/events.jsonl", "postgres/log", "kafka/server.log"} <= kept.keys()
    assert any(name.startswith(f"postgres/data/{folders['reporting']}") for name in kept)
    assert sightings(kept, sought) == []
