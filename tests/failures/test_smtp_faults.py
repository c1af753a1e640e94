"""A mail server that hangs, refuses, drops or is slow, and a sender that is killed (I14)."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest

from services.notifications.handlers import deliveries as sending
from shared.messaging.broker import Bus
from shared.security.keyring import Keyring
from shared.store import Store
from shared.testing.fixtures import MakeUrl
from shared.testing.running import Running
from tests.conftest import Rounds
from tests.failures.alone import alone, append, kafka
from tests.failures.checkers import agree
from tests.failures.clocks import SteppedClock
from tests.failures.effects import letters_as_taken
from tests.failures.letters import Causes, Ended, deliveries, mailboxes
from tests.failures.mail_server import (
    DROPS_AFTER_TEXT,
    GOOD,
    HANGS_AFTER_TEXT,
    HANGS_BEFORE_TEXT,
    MOODS,
    MailServer,
    mail_server,
)
from tests.failures.own_kafka import own_kafka
from tests.failures.processes import Child, ended
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

A_WHILE = timedelta(minutes=10)
OPEN = ("queued", "sending")


@dataclass
class Scene:
    """Notifications on real servers, with a mail server that fails and a clock that is stepped."""

    it: Running
    bus: Bus
    server: MailServer
    clock: SteppedClock
    causes: Causes

    async def write(self, boxes: dict[str, str]) -> None:
        """Cause a letter to each mailbox."""
        self.server.moods |= boxes
        await append(self.bus, self.causes.opening(self.clock.now()))
        await append(self.bus, self.causes.confirmations(boxes, self.clock.now()))

    async def ended(self) -> list[Ended]:
        """Return what became of the letters."""
        return await deliveries(self.it.service.store, self.causes.boxes)

    async def until_ended(self, seconds: float = 600) -> list[Ended]:
        """Let time pass in leaps until every letter has come to an end."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.ended()
                if len(found) == len(self.causes.boxes) and not any(
                    each.status in OPEN for each in found
                ):
                    return found
                await asyncio.sleep(0.5)
                self.clock.step(A_WHILE)


@asynccontextmanager
async def scene(
    servers: str, make_url: MakeUrl, folder: Path, timeout_seconds: float
) -> AsyncIterator[Scene]:
    """Start notifications on Kafka and PostgreSQL."""
    clock, url = SteppedClock(), await make_url("postgresql")
    async with (
        mail_server() as server,
        kafka(servers, ["notifications"]) as bus,
        alone(
            "notifications",
            bus,
            folder,
            url,
            clock=clock,
            SMTP_URL=f"smtp://127.0.0.1:{server.port}",
            smtp_timeout_seconds=timeout_seconds,
        ) as it,
    ):
        yield Scene(it, bus, server, clock, Causes(it.keyring.sealer()))


async def test_every_letter_ends_as_its_mailbox_has_it(
    own_kafka: str, make_url: MakeUrl, tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """Of each fault so many letters, all at once: sent once, refused, or in doubt and not again."""
    began, each = monotonic(), rounds(sample=3, whole=120)
    boxes = mailboxes(MOODS, each, random.Random(seed))
    async with scene(own_kafka, make_url, tmp_path, 2) as it:
        await it.write(boxes)
        found = await it.until_ended(1800)
        expected = {box: MOODS[mood] for box, mood in boxes.items()}
        wrong = letters_as_taken(boxes, found, it.server.taken, expected)
        told = [each.delivery_id for each in await it.it.published()]
        wrong += [f"told twice: {name}" for name in sorted({x for x in told if told.count(x) > 1})]
    for mood in MOODS:
        ours = [line for line in wrong if mood.replace(" ", "-").replace(",", "") in line]
        note(
            f"mail server: {mood}",
            each,
            checks={"I14": each, "I8": each},
            violations=ours,
            seed=seed,
            seconds=(monotonic() - began) / len(MOODS),
        )
    agree(seed, wrong)


async def test_letters_wait_for_a_server_that_refuses_connections(
    own_kafka: str, make_url: MakeUrl, tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """While nobody listens every letter waits; once somebody does, each is sent once."""
    began, each = monotonic(), rounds(sample=4, whole=120)
    boxes = mailboxes([GOOD], each, random.Random(seed))
    async with scene(own_kafka, make_url, tmp_path, 2) as it:
        await it.server.close()
        await it.write(boxes)
        while len(found := await it.ended()) < each:
            await asyncio.sleep(0.1)
        for _ in range(3):
            it.clock.step(A_WHILE)
            await asyncio.sleep(0.5)
        assert {one.status for one in found} <= set(OPEN)
        await it.server.listen()
        wrong = letters_as_taken(boxes, await it.until_ended(), it.server.taken, {})
    note(
        "mail server: refuses connections",
        each,
        checks={"I14": each},
        violations=wrong,
        seed=seed,
        seconds=monotonic() - began,
    )
    agree(seed, wrong)


async def test_a_mailbox_that_hangs_holds_up_no_other(
    own_kafka: str, make_url: MakeUrl, tmp_path: Path, seed: int
) -> None:
    """While some letters hang the others go, and a stop does not wait for what has not begun."""
    chosen, patience = random.Random(seed), 20.0
    hanging = mailboxes([HANGS_BEFORE_TEXT], 5, chosen)
    others = mailboxes([GOOD], 60, chosen)
    async with scene(own_kafka, make_url, tmp_path, patience) as it:
        await it.write(hanging)
        while len(it.server.seen) < len(hanging):
            await asyncio.sleep(0.05)
        began = monotonic()
        await append(it.bus, it.causes.confirmations(others, it.clock.now()))
        while it.server.taken.total() < len(others):
            await asyncio.sleep(0.05)
            assert monotonic() - began < patience - 2, "the others wait for those that hang"
        store, boxes = it.it.service.store, it.causes.boxes
        while sum(each.status == "sent" for each in await deliveries(store, boxes)) < len(others):
            await asyncio.sleep(0.05)
        began = monotonic()
        url = it.it.service.store.engines.writer.url
    assert monotonic() - began < patience / 2, "the stop waited for a server that hangs"
    async with kafka(own_kafka, ["notifications"]) as bus:
        again = url.set(drivername="postgresql").render_as_string(hide_password=False)
        async with alone("notifications", bus, tmp_path, again) as it:
            found = await deliveries(it.service.store, boxes)
    agree(seed, [f"in doubt: {one.box}" for one in found if one.reason == "in-doubt"])


async def test_a_sender_killed_before_its_note_sends_nothing_twice(
    own_kafka: str, make_url: MakeUrl, tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """SIGKILL between the server's yes and the note: that letter is in doubt, the others go."""
    began, kills, chosen = monotonic(), rounds(sample=2, whole=120), random.Random(seed)
    url, servers = await make_url("postgresql"), own_kafka
    sealer = Keyring.open(tmp_path / "keys").sealer()
    causes, in_hand = Causes(sealer), set[str]()
    async with mail_server() as server, kafka(servers, ["notifications"]) as bus:
        child = Child(
            "services",
            "notifications",
            log=tmp_path / "log.txt",
            environment={
                "ANDAN_DATA": str(tmp_path),
                "DATABASE_URL": url,
                "KAFKA_BOOTSTRAP_SERVERS": servers,
                "SMTP_URL": f"smtp://127.0.0.1:{server.port}",
            },
        )
        left = 0

        async def kill_at_some(box: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                await asyncio.to_thread(child.kill)
                in_hand.add(box)
                killed.set()
            elif left < 0:
                await asyncio.sleep(3600)  # it is dead: nobody hears the answer

        killed = asyncio.Event()
        with ended(child):
            await child.start().until_ready()
            await append(bus, causes.opening(datetime.now(UTC)))
            for _ in range(kills):
                left, server.when_taken = chosen.randint(1, 10), kill_at_some
                killed.clear()
                await append(bus, causes.confirmations(mailboxes([GOOD], 12, chosen)))
                async with asyncio.timeout(120):
                    await killed.wait()
                server.when_taken = None
                await child.start().until_ready()
            found = await all_ended(url, causes.boxes)
            child.terminate()
    boxes = list(causes.boxes.values())
    expected = dict.fromkeys(boxes, ("sent", "in-doubt"))
    wrong = letters_as_taken(boxes, found, server.taken, expected)
    doubtful = {each.box for each in found if each.reason == "in-doubt"}
    wrong += [f"hidden: {box} was in hand and is not in doubt" for box in in_hand - doubtful]
    note(
        "SIGKILL between the text and the note",
        kills,
        checks={"I14": len(boxes), "I8": len(boxes)},
        violations=wrong,
        seed=seed,
        seconds=monotonic() - began,
    )
    agree(seed, wrong)


async def all_ended(url: str, boxes: dict[str, str]) -> list[Ended]:
    """Wait until every letter has come to an end, looking from outside."""
    store = Store(url, service="test", source="", clock=SteppedClock(), migrations=Path())
    try:
        async with asyncio.timeout(300):
            while True:
                found = await deliveries(store, boxes)
                if len(found) == len(boxes) and not any(each.status in OPEN for each in found):
                    return found
                await asyncio.sleep(0.2)
    finally:
        await store.close()


async def test_a_sender_that_repeats_what_is_in_doubt_is_found(
    own_kafka: str,
    make_url: MakeUrl,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Planted: doubt taken for "try later" mails twice, and the checker sees it."""
    monkeypatch.setattr(sending, "InDoubt", type("Nothing", (Exception,), {}))
    monkeypatch.setattr(sending, "TryLater", Exception)
    boxes = mailboxes([DROPS_AFTER_TEXT, HANGS_AFTER_TEXT], 1, random.Random(1))
    async with scene(own_kafka, make_url, tmp_path, 0.5) as it:
        await it.write(boxes)
        while not any(count > 1 for count in it.server.taken.values()):
            it.clock.step(A_WHILE)
            await asyncio.sleep(0.3)
        wrong = letters_as_taken(boxes, await it.ended(), it.server.taken, {})
    assert any(line.startswith("doubled") for line in wrong)
