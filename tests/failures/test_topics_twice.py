"""Topics told twice, mixed, from the beginning: each service ends as if told once, in order."""

import random
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import select, text

from services.topology import DOMAIN
from shared.clock import ReplayClock
from shared.messaging import inbox as inbox_module
from shared.messaging.appender import OutboxRecord
from shared.messaging.broker import Bus, EmbeddedBus
from shared.messaging.embedded.log import EmbeddedLog
from shared.security.principal import PUBLIC
from shared.store.plumbing import dead_letter, inbox, waiting
from shared.store.work import Work
from shared.testing.fixtures import MakeUrl
from shared.testing.running import Running
from tests.conftest import Rounds
from tests.failures.alone import alone, append, kafka, subscriptions_of, topics_of, until_heard
from tests.failures.checkers import agree
from tests.failures.effects import same_effects
from tests.failures.own_kafka import own_kafka
from tests.failures.period import WAYS, Period, Records, as_told, lived_period
from tests.failures.record import note
from tests.notifications.scene import look_again, parsed

__all__ = ["own_kafka"]

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.timeout(7200),
]

BEFORE = datetime(2022, 10, 31, tzinfo=UTC)
Way = Callable[[Records, random.Random], list[OutboxRecord]]
HEARS = [name for name in DOMAIN if subscriptions_of([name])]
GUARDED = ("notifications", "reporting", "surveys")
"""Those whose effects themselves remember their cause, for longer than the inbox does."""
COPIES = {
    "booking": "SELECT * FROM known_organisation",
    "events": "SELECT * FROM organisation",
    "surveys": "SELECT event_id FROM survey",
    "notifications": "SELECT message_id, template, status, reason FROM delivery",
    "reporting": "SELECT quote_id, text FROM quote",
}


@pytest.fixture(scope="module")
async def period(tmp_path_factory: pytest.TempPathFactory) -> Period:
    """Live once for all tests of this module."""
    return await lived_period(tmp_path_factory.mktemp("lived") / "house")


def topics_heard(name: str) -> set[str]:
    """Return the topics that a service reads."""
    return {topic for each in subscriptions_of([name]) for topic in each.topics}


@asynccontextmanager
async def embedded(path: Path) -> AsyncIterator[EmbeddedBus]:
    """Open an embedded bus with every topic."""
    bus = EmbeddedBus(EmbeddedLog(path))
    await bus.start()
    try:
        await bus.declare(topics_of(HEARS))
        yield bus
    finally:
        await bus.stop()


async def rest(it: Running) -> None:
    """Wait until everything that can be done is done, also what missed its wake-up."""
    for _ in range(2):
        await until_heard(it.service, 120)
        await look_again(it.service)
    await until_heard(it.service, 120)


async def effects(name: str, it: Running, folder: Path) -> Counter[str]:
    """Return what a service knows, says, and has sent."""
    found: Counter[str] = Counter()
    async with it.service.store.read() as reader:
        for row in await reader.execute(text(COPIES[name])):
            found[f"knows {tuple(row)}"] += 1
        for table in (dead_letter, waiting):
            for row in await reader.execute(select(table.c.consumer, table.c.message_id)):
                found[f"{table.name} {tuple(row)}"] += 1
    for envelope, _ in await it.told():
        found[f"says {envelope.type} because of {envelope.causationid}"] += 1
    for path in (folder / "mail").glob("*.eml"):
        mail = parsed(path.read_bytes())
        found[f"mails {mail['To']}: {mail['Subject']}"] += 1
    if name == "reporting":
        async with it.client(PUBLIC) as client:
            for year in (2022, 2023):
                found[f"tells {(await client.get(f'/v1/years/{year}/report')).text}"] += 1
    return found


async def told(
    name: str, period: Period, folder: Path, url: str, bus: Bus, way: Way, seed: int
) -> Counter[str]:
    """Tell a new service the period in some way; return what came of it."""
    shutil.copytree(period.keys, folder / "keys")
    records = way(period.heard_by(topics_heard(name)), random.Random(seed))
    async with alone(name, bus, folder, url, clock=ReplayClock(BEFORE)) as it:
        await append(bus, records)
        await rest(it)
        return await effects(name, it, folder)


async def told_once(name: str, period: Period, folder: Path, make_url: MakeUrl) -> Counter[str]:
    """Return what the undisturbed run comes to."""
    folder.mkdir()
    async with embedded(folder / "log.sqlite") as bus:
        found = await told(name, period, folder, await make_url("sqlite"), bus, as_told, 0)
    assert found, "nothing came of it"
    return found


@pytest.mark.parametrize("name", HEARS)
async def test_however_it_is_told_the_effects_are_the_same(
    name: str, period: Period, tmp_path: Path, make_url: MakeUrl, rounds: Rounds, seed: int
) -> None:
    """Twice, from places on again, keys and topics mixed: what comes of it is as if told once."""
    began, wrong, trials = monotonic(), list[str](), 0
    undisturbed = await told_once(name, period, tmp_path / "once", make_url)
    ways = list(WAYS)
    random.Random(seed).shuffle(ways)
    for number in range(rounds(sample=1, whole=25)):
        way, folder = ways[number % len(ways)], tmp_path / str(number)
        folder.mkdir()
        async with embedded(folder / "log.sqlite") as bus:
            url = await make_url("sqlite")
            found = await told(name, period, folder, url, bus, way, seed + number)
        wrong += [f"{way.__name__}: {line}" for line in same_effects(undisturbed, found)]
        trials += 1
        shutil.rmtree(folder)
    note(
        f"topics repeated and mixed: {name}",
        trials,
        checks={"I8": trials, "I10": trials, "I12": trials},
        violations=wrong,
        seed=seed,
        seconds=monotonic() - began,
    )
    agree(seed, wrong)


@pytest.mark.parametrize("name", HEARS)
async def test_told_from_the_beginning_nothing_happens_again(
    name: str, period: Period, tmp_path: Path, make_url: MakeUrl, rounds: Rounds, seed: int
) -> None:
    """All groups read from the beginning: a lived store stays as it is, where effects remember
    their cause without its inbox too; a new store says and sends nothing.
    """
    began, wrong = monotonic(), list[str]()
    trials = rounds(sample=1, whole=20)
    groups = subscriptions_of([name])
    for number in range(trials):
        folder, url = tmp_path / str(number), await make_url("sqlite")
        folder.mkdir()
        async with embedded(folder / "log.sqlite") as bus:
            lived = await told(name, period, folder, url, bus, as_told, 0)
            late = ReplayClock(BEFORE + timedelta(days=1))
            for forgets in (False, name in GUARDED):
                for each in groups:
                    await bus.rewind(each.group, each.topics)
                async with alone(name, bus, folder, url, clock=late) as it:
                    if forgets:
                        async with it.service.store.work() as work:
                            await work.execute(inbox.delete())
                        await append(bus, period.heard_by(topics_heard(name)))
                    await rest(it)
                    found = await effects(name, it, folder)
                wrong += [f"replayed: {line}" for line in same_effects(lived, found)]
            wrong += await new_store(name, period, tmp_path / f"new-{number}", make_url, bus)
    note(
        f"topics replayed from the beginning: {name}",
        trials * 3,
        checks={"I8": trials * 3, "I12": trials * 3},
        violations=wrong,
        seed=seed,
        seconds=monotonic() - began,
    )
    agree(seed, wrong)


async def new_store(
    name: str, period: Period, folder: Path, make_url: MakeUrl, bus: Bus
) -> list[str]:
    """Let a new store of a year later hear it all; whatever it says or sends is wrong."""
    shutil.copytree(period.keys, folder / "keys")
    for each in subscriptions_of([name]):
        await bus.rewind(each.group, each.topics)
    later = ReplayClock(datetime(2024, 6, 1, tzinfo=UTC))
    async with alone(name, bus, folder, await make_url("sqlite"), clock=later) as it:
        await rest(it)
        found = await effects(name, it, folder)
    return [f"a new store: {each}" for each in found if each.startswith(("says", "mails"))]


@pytest.mark.kafka
@pytest.mark.postgres
async def test_on_kafka_it_is_the_same(
    own_kafka: str,
    period: Period,
    tmp_path: Path,
    make_url: MakeUrl,
    rounds: Rounds,
    seed: int,
) -> None:
    """Repeated and mixed over the partitions of a real Kafka, with stores on PostgreSQL."""
    began, wrong, trials = monotonic(), list[str](), 0
    async with kafka(own_kafka, HEARS) as bus:
        for name in rounds(sample=1, whole=5) * ["notifications"] + rounds(sample=0, whole=5) * [
            "reporting"
        ]:
            once = tmp_path / f"once-{trials}"
            undisturbed = await told_once(name, period, once, make_url)
            folder = tmp_path / f"kafka-{trials}"
            folder.mkdir()
            url = await make_url("postgresql")
            way = random.Random(seed + trials).choice(WAYS)
            found = await told(name, period, folder, url, bus, way, seed + trials)
            wrong += [f"{name}: {line}" for line in same_effects(undisturbed, found)]
            trials += 1
    note(
        "topics repeated and mixed (Kafka, PostgreSQL)",
        trials,
        checks={"I8": trials, "I10": trials, "I12": trials},
        violations=wrong,
        seed=seed,
        seconds=monotonic() - began,
    )
    agree(seed, wrong)


async def test_an_inbox_that_forgets_is_found(
    period: Period, tmp_path: Path, make_url: MakeUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: without an inbox booking answers a wish that comes twice twice, and it is seen."""
    undisturbed = await told_once("booking", period, tmp_path / "once", make_url)

    async def everything(work: Work, consumer: str, ids: list[str]) -> set[str]:
        return set(ids)

    monkeypatch.setattr(inbox_module, "take", everything)
    folder = tmp_path / "planted"
    shutil.copytree(period.keys, folder / "keys")
    records = period.heard_by(topics_heard("booking"))
    async with embedded(folder / "log.sqlite") as bus:
        url, clock = await make_url("sqlite"), ReplayClock(BEFORE)
        async with alone("booking", bus, folder, url, clock=clock) as it:
            for _ in range(2):
                await append(bus, records)
                await rest(it)
            found = await effects("booking", it, folder)
    wrong = same_effects(undisturbed, found)
    assert wrong
    assert all(line.startswith("too much: says se.andan.booking") for line in wrong)
