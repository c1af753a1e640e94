"""What docs/reacting.md shows is run: on a real Kafka, at a real address, with the contract kit."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.gateway.app import create_service
from services.gateway.feed.view import PARTS, SHOWN
from services.gateway.settings import Settings
from shared.contracts.envelope import Envelope
from shared.contracts.events import RegistrationCancelled, RegistrationConfirmed
from shared.contracts.events.registration import LineFact
from shared.contracts.message import Message
from shared.contracts.topics import TOPICS
from shared.ids import new_id
from shared.messaging.appender import OutboxRecord
from shared.messaging.broker import KafkaBus
from shared.testing.contract_kit import as_event, complaints, records
from shared.testing.running import Running, running
from tests.architecture.sources import ROOT
from tests.gateway.house import START, Outside, served
from tests.gateway.said import full
from tests.required import unavailable

pytestmark = pytest.mark.anyio
MakeUrl = Callable[[str], Awaitable[str]]

DOCUMENT = (ROOT / "docs" / "reacting.md").read_text("utf-8")
SHORTEST, WHOLE, PULL, KIT = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
KEY_AND_PULL, STREAM = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)


def run(code: str, **names: Any) -> dict[str, Any]:
    """Run a piece of the document; its consumer groups get names of this run."""
    apart = re.sub(r'group_id="([^"]*)"', lambda group: f'group_id="{group[1]}.{new_id()}"', code)
    names.setdefault("__name__", "documented")
    exec(compile(apart, "docs/reacting.md", "exec"), names)
    return names


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, and the name of a Kafka, whether one is there or not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    return tmp_path


def said_about(event: str) -> tuple[list[LineFact], int]:
    """Return what was said about an event, and how many places are taken after it."""
    confirmed = full(RegistrationConfirmed, event_id=event)
    group = full(RegistrationConfirmed, event_id=event, people=7)
    gone = full(RegistrationCancelled, event_id=event, was="confirmed")
    other = full(RegistrationCancelled, event_id=event, was="waitlisted")
    return [confirmed, group, confirmed, gone, other], 8


def record(message: Message) -> OutboxRecord:
    """Return a message as events would append it."""
    envelope = Envelope(
        id=new_id(), source="https://t", type=message.type, time=START, subject=message.subject()
    )
    return OutboxRecord(
        message.topic, message.key().encode(), message.body(), envelope.to_headers()
    )


async def append(servers: str, rows: list[OutboxRecord]) -> None:
    """Put records on a real Kafka."""
    bus = KafkaBus(servers)
    await bus.start()
    try:
        await bus.declare(list(TOPICS.values()))
        appender = await bus.appender("events")
        await appender.append(rows)
        await appender.close()
    finally:
        await bus.stop()


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def heard(names: dict[str, Any]) -> AsyncIterator[None]:
    """Run the broker of a piece of the document."""
    await names["broker"].start()
    try:
        yield
    finally:
        await names["broker"].stop()


@pytest.mark.kafka
async def test_three_lines_hear_registrations(
    kafka_bootstrap: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortest subscriber hears what was said before it began and what is said after."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    event = new_id()
    said, _ = said_about(event)
    await append(kafka_bootstrap, [record(each) for each in said[:2]])
    names = run(SHORTEST)

    def ours() -> list[Any]:
        return [each for each in names["heard"] if each["event_id"] == event]

    async with heard(names):
        await until(lambda: len(ours()) == 2)
        await append(kafka_bootstrap, [record(each) for each in said[2:]])
        await until(lambda: len(ours()) == len(said))
    assert ours() == [json.loads(each.encode()) for each in said]


@pytest.mark.kafka
async def test_an_inbox_and_a_replay(
    kafka_bootstrap: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes twice counts once, and a group that begins anew ends with the same numbers."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    event, last = new_id(), new_id()
    said, places = said_about(event)
    rows = [record(each) for each in said]
    end = record(full(RegistrationConfirmed, event_id=last))
    await append(kafka_bootstrap, [*rows, *rows, end])
    for _ in range(2):
        names = run(WHOLE)

        def taken(about: str, names: dict[str, Any] = names) -> Any:
            row = names["store"].execute("SELECT people FROM taken WHERE event_id = ?", (about,))
            return (row.fetchone() or [None])[0]

        async with heard(names):
            await until(lambda: taken(last) is not None and taken(event) == places)
            await asyncio.sleep(0.2)
        assert taken(event) == places
        names["store"].close()
        (elsewhere / "places.sqlite").unlink()


@asynccontextmanager
async def address(make_url: MakeUrl, folder: Path) -> AsyncIterator[tuple[Running, str]]:
    """Run a gateway at a real address."""
    async with (
        running(create_service, make_url, folder, settings_class=Settings) as it,
        served(it.service) as where,
    ):
        yield it, where


async def shell(script: str, **environment: str) -> str:
    """Run commands of the document; return what they wrote."""
    if shutil.which("curl") is None or shutil.which("bash") is None:
        unavailable("curl or bash is not installed")
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-euc", script],
        env={**os.environ, "no_proxy": "*", **environment},
        capture_output=True,
        timeout=30,
        check=True,
    )
    return str(done.stdout, "utf-8")


async def test_the_commands_at_the_public_address(make_url: MakeUrl, elsewhere: Path) -> None:
    """A key is made, messages are pulled, and a stream goes on after the last of them."""
    event = new_id()
    said, _ = said_about(event)
    async with address(make_url, elsewhere) as (it, where):
        admin = await Outside(it.service).key()
        ids = await it.hear(*said)
        await it.quiet()
        known = {"ANDAN": where, "ADMIN": admin}
        pulled = json.loads(await shell(KEY_AND_PULL, **known))
        confirmed = [
            id_ for id_, each in zip(ids, said, strict=True) if each.type.endswith("confirmed.v1")
        ]
        assert [item["id"] for item in pulled["items"]] == confirmed
        first = (
            await shell(
                'curl -sf "$ANDAN/v1/messages?limit=1" -H "Authorization: Bearer $ADMIN"', **known
            )
        ).strip()
        live, resumed = (f"timeout 1 {line} || true" for line in STREAM.strip().splitlines())
        known |= {"KEY": admin, "LAST": json.loads(first)["after"]}
        assert "data: " not in await shell(live, **known)
        events = await shell(resumed, **known)
    told = [json.loads(line[6:])["id"] for line in events.splitlines() if line[:6] == "data: "]
    assert told == ids[1:]


async def test_pulling_counts_what_kafka_counts(make_url: MakeUrl, elsewhere: Path) -> None:
    """The same `take` fed by the pull loop: the same numbers, twice the same, 410 included."""
    event = new_id()
    said, places = said_about(event)
    async with address(make_url, elsewhere) as (it, where):
        key = await Outside(it.service).key("messages:read:events")
        await it.hear(*said)
        await it.quiet()
        names = run(WHOLE)
        pull = run(PULL)["pull"]

        def whole(after: str) -> tuple[str, Any]:
            reader = run(WHOLE)  # of this thread: a SQLite connection has one
            place = pull(where, key, after, reader["take"])
            return place, reader["store"].execute("SELECT * FROM taken").fetchall()

        place, taken = await asyncio.to_thread(whole, "")
        assert taken == [(event, places)]
        assert await asyncio.to_thread(whole, place) == (place, taken)
        of_another_store = "A" * 19
        assert await asyncio.to_thread(whole, of_another_store) == (place, taken)
        names["store"].close()


def test_the_contract_kit_as_documented(elsewhere: Path) -> None:
    """The documented reader stands every sample."""
    names = run(WHOLE)
    run(KIT, **names)


@pytest.mark.parametrize(
    ("reader", "complaint"),
    [
        (lambda event: event["data"]["registration_id"], "raised KeyError"),
        (lambda event: {**event["data"]}, "fields from the future"),
        (lambda event: SHOWN[event["type"]].type, "does not know"),
    ],
)
def test_the_kit_finds_what_a_reader_does_not_stand(
    reader: Callable[[Any], object], complaint: str
) -> None:
    """A field that does not leave, a copy of everything, a closed list of types: all are told."""

    def shown(record: Any) -> dict[str, Any]:
        return as_event(record, PARTS.get(SHOWN.get(record.type, RegistrationConfirmed)))

    form = shown if complaint == "raised KeyError" else as_event
    found = complaints(reader, RegistrationConfirmed.type, form=form)
    assert [each for each in found if complaint in each] != []


def test_the_kit_finds_a_second_effect() -> None:
    """A reader without an inbox counts what comes twice, and is told so."""
    counted: list[str] = []
    found = complaints(
        lambda record: counted.append(record.type),
        RegistrationConfirmed.type,
        effect=lambda: len(counted),
    )
    assert all("two effects" in each for each in found)
    assert len(found) == len(records(RegistrationConfirmed.type))
