"""What cannot be read is parked by every consumer of every service, and stands in nobody's way."""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import select

from services.topology import DOMAIN
from shared.contracts.envelope import Envelope, MalformedEnvelope
from shared.messaging.subscription import Subscription
from shared.store.plumbing import dead_letter, inbox
from shared.testing.fixtures import MakeUrl
from shared.testing.running import Running
from tests.conftest import Rounds
from tests.failures.alone import alone, kafka
from tests.failures.checkers import agree
from tests.failures.effects import parked_as_told
from tests.failures.own_kafka import own_kafka
from tests.failures.poison import Broken, broken_for, parks, sentinels
from tests.failures.record import note

__all__ = ["own_kafka"]

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
]

BLOCKS_AT_MOST = 60.0


@dataclass
class All:
    """Every service of the house on one Kafka, each on a database of its own."""

    servers: str
    services: dict[str, Running]

    @property
    def subscriptions(self) -> list[tuple[str, Subscription]]:
        """Every subscription with its service."""
        return [
            (name, each)
            for name, it in self.services.items()
            for each in it.service.parts.subscriptions
        ]

    async def write(self, records: Iterable[Broken]) -> dict[str, Broken]:
        """Write records past all that a relay would refuse; return each by what it is known as."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.servers, max_request_size=1 << 20, linger_ms=5
        )
        await producer.start()
        try:
            sent = [
                (it, await producer.send(it.topic, it.body, key=it.key, headers=it.headers))
                for it in records
            ]
            known = {}
            for it, future in sent:
                place = await future
                known[_name(it) or f"{place.topic}/{place.partition}/{place.offset}"] = it
            return known
        finally:
            await producer.stop()

    async def parked(self, name: str) -> dict[tuple[str, str], str]:
        """Return what a service has parked: the reason by consumer and message."""
        async with self.services[name].service.store.read() as reader:
            rows = await reader.execute(select(dead_letter))
            return {(row.consumer, row.message_id): row.reason for row in rows}

    async def taken(self, name: str) -> set[tuple[str, str]]:
        """Return which messages a service's consumers have taken."""
        async with self.services[name].service.store.read() as reader:
            rows = await reader.execute(select(inbox.c.consumer, inbox.c.message_id))
            return {(row[0], row[1]) for row in rows}


def _name(it: Broken) -> str | None:
    try:
        return Envelope.from_headers(it.headers).id
    except MalformedEnvelope:
        return None


@asynccontextmanager
async def every_service(servers: str, make_url: MakeUrl, folder: Path) -> AsyncIterator[All]:
    """Start every service that has a store and ears."""
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(kafka(servers, DOMAIN))
        running = {}
        for name in DOMAIN:
            url = await make_url("postgresql")
            running[name] = await stack.enter_async_context(alone(name, bus, folder, url))
        for it in running.values():
            await it.quiet(60)
        yield All(servers, running)


async def until_passed(house: All, told: dict[str, set[str]]) -> list[str]:
    """Wait until every consumer has taken its sentinels; return those that did not in time."""
    until = monotonic() + BLOCKS_AT_MOST
    left = {
        name: {
            (group, each)
            for group, ids in told.items()
            for each in ids
            if group.startswith(f"andan.{name}.")
        }
        for name in house.services
    }
    while any(left.values()) and monotonic() < until:
        for name, waits in left.items():
            if waits:
                waits -= await house.taken(name)
        await asyncio.sleep(0.1)
    return [
        f"blocked: {group} did not come to {each} within {BLOCKS_AT_MOST:g} s"
        for waits in left.values()
        for group, each in sorted(waits)
    ]


async def judge(house: All, known: dict[str, Broken]) -> list[str]:
    """Compare what each consumer parked, and says that it parked, with the table."""
    wrong = []
    for name, it in house.services.items():
        parked = await house.parked(name)
        for subscription in it.service.parts.subscriptions:
            group = subscription.group
            expected = {
                each: must
                for each, broken in known.items()
                if (must := parks(subscription, broken)) is not False
            }
            found = {each: why for (who, each), why in parked.items() if who == group}
            counted = it.service.metrics.dead_letters.labels(group.removeprefix("andan."))
            wrong += parked_as_told(group, expected, found, int(counted._value.get()))
    return wrong


async def test_nothing_malformed_is_lost_or_in_the_way(
    own_kafka: str, make_url: MakeUrl, tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """Each fault on each topic of each consumer: parked once with its reason, counted, passed."""
    began, chosen = monotonic(), random.Random(seed)
    trials, pairs = 0, defaultdict[str, int](int)
    async with every_service(own_kafka, make_url, tmp_path) as house:
        wrong: list[str] = []
        known: dict[str, Broken] = {}
        for _ in range(rounds(sample=1, whole=3)):
            table = [each for _, it in house.subscriptions for each in broken_for(it)]
            chosen.shuffle(table)
            table = table[: rounds(sample=80, whole=len(table))]
            for start in range(0, len(table), 200):
                known |= await house.write(table[start : start + 200])
                told = {}
                for _, it in house.subscriptions:
                    sound = await house.write(sentinels(it))
                    told[it.group] = set(sound)
                    known |= sound
                wrong += await until_passed(house, told)
            trials += len(table)
            for each in table:
                pairs[each.fault] += 1
        wrong += await judge(house, known)
        wrong += await replayed(house, chosen)
    for fault, count in sorted(pairs.items()):
        ours = [line for line in wrong if fault in line]
        note(
            f"malformed: {fault}",
            count,
            checks={"I13": count},
            violations=ours,
            seed=seed,
            seconds=(monotonic() - began) / len(pairs),
        )
    agree(seed, wrong)


async def replayed(house: All, chosen: random.Random) -> list[str]:
    """Replay some of what is parked, as an operator does: it fails again, and stays listed."""
    wrong = []
    for name, it in house.services.items():
        async with it.client() as client:
            letters = (await client.get("/internal/dead-letters")).raise_for_status().json()
            for letter in chosen.sample(letters, min(3, len(letters))):
                path = f"/internal/dead-letters/{letter['id']}"
                with contextlib.suppress(Exception):  # what it would answer as 500 comes bare here
                    await client.post(f"{path}/replay")
                answer = await client.get(path)
                if answer.status_code != 200 or answer.json()["attempts"] <= letter["attempts"]:
                    wrong.append(f"replay: {name} {letter['reason']} is not as it must be")
    return wrong
