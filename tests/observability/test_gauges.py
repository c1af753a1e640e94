"""The gauges that are looked up now and then, in services that run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from shared.gauges import sample, show
from shared.service import Service
from shared.testing.fixtures import MakeUrl
from tests.toy.contracts import use_topics_of_their_own
from tests.toy.house import House, house, make_bus, unique
from tests.toy.ledger.service import subscription

pytestmark = pytest.mark.anyio

BUSES = ["embedded", pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.postgres])]


@pytest.fixture(params=BUSES)
async def toys(
    request: pytest.FixtureRequest, tmp_path: Path, make_url: MakeUrl
) -> AsyncIterator[House]:
    """Run the toys: SQLite on the embedded bus, PostgreSQL on Kafka."""
    embedded = request.param == "embedded"
    use_topics_of_their_own(unique("t"))
    kind = "embedded" if embedded else request.getfixturevalue("kafka_bootstrap")
    dialect = "sqlite" if embedded else "postgresql"
    urls = [await make_url(dialect), await make_url(dialect)]
    async with house(make_bus(kind, tmp_path), subscription(unique("lines")), *urls) as both:
        yield both


def shown(service: Service, name: str) -> list[float]:
    """Look a service's own gauges up, and return the samples of one."""
    show(service, service.metrics)
    families = service.metrics.registry.collect()
    return [each.value for it in families if it.name == name for each in it.samples]


async def until(reached: Callable[[], Any]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(60):
        while not reached():
            await asyncio.sleep(0.1)


async def test_a_consumer_that_is_stuck_shows_its_last_poll(toys: House) -> None:
    """While handlers take their time the last poll grows old; afterwards it is young again."""
    await toys.lend("good")
    await toys.quiet()
    await toys.lend(*["slow"] * 60)
    await until(lambda: max(shown(toys.ledger, "andan_last_poll_age_seconds")) > 1.2)
    await toys.quiet()
    await until(lambda: max(shown(toys.ledger, "andan_last_poll_age_seconds")) < 1.2)


async def test_who_leads_a_store_says_so(toys: House) -> None:
    """A process that relays shows 1, and one whose service has stopped leading shows 0."""
    await until(lambda: shown(toys.lender, "andan_store_leader") == [1])
    await toys.lender.stop()
    assert shown(toys.lender, "andan_store_leader") == [0]


async def test_a_file_shows_what_is_free_on_its_disk(toys: House) -> None:
    """Where the store is a file, the free share of its disk is told; elsewhere nothing is."""
    expected = 1 if toys.lender.store.dialect == "sqlite" else 0
    free = shown(toys.lender, "andan_disk_free_ratio")
    assert len(free) == expected
    assert all(0 <= share <= 1 for share in free)


async def test_a_counter_of_alarms_stands_at_0_from_the_start(toys: House) -> None:
    """An alarm on a rise needs the figure from before it: no series begins with its first 1."""
    await sample(toys.ledger, toys.ledger.metrics)
    text = [each for family in toys.ledger.metrics.registry.collect() for each in family.samples]
    zeros = {each.labels["consumer"] for each in text if each.name == "andan_dead_letters_total"}
    hears = toys.ledger.parts.subscriptions[0].group.removeprefix("andan.")
    assert zeros == {hears, "ledger.relay"}
