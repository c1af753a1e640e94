"""The machine's clock is set forwards and back by hours while everything runs (I17)."""

import asyncio
import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from services.topology import DOMAIN
from shared.ids import new_id
from shared.store import Store
from shared.testing.fixtures import MakeUrl
from shared.testing.running import Running
from tests.conftest import Rounds
from tests.failures.alone import alone, append, kafka, until_heard
from tests.failures.checkers import agree
from tests.failures.effects import letters_as_taken, told_once
from tests.failures.letters import Causes, deliveries
from tests.failures.organisations import ends, told_since
from tests.failures.own_kafka import own_kafka
from tests.failures.record import note
from tests.notifications.scene import parsed

__all__ = ["own_kafka"]

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
]

STEPS = (timedelta(hours=2), timedelta(hours=-2), timedelta(minutes=-5), timedelta(minutes=5))


class MachineTime:
    """What the code of this process takes for the machine's time; the loop's own goes on evenly."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta()
        real, shift = time.time, self

        class Shifted(datetime):
            """`datetime`, whose present is shifted."""

            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                """Return the shifted present, as a plain datetime."""
                return datetime.now(tz) + shift.ahead

        monkeypatch.setattr(time, "time", lambda: real() + shift.ahead.total_seconds())
        for name, module in list(sys.modules.items()):
            if name.startswith(("shared.", "services.")) and _looks_at_it(module):
                monkeypatch.setattr(module, "datetime", Shifted)

    def step(self, by: timedelta) -> None:
        """Set the clock forwards, or back."""
        self.ahead += by

    def now(self) -> datetime:
        """Return what the machine would say."""
        return datetime.now(UTC) + self.ahead


def _looks_at_it(module: Any) -> bool:
    source = getattr(module, "__file__", None)
    return (
        getattr(module, "datetime", None) is datetime
        and source is not None
        and "datetime.now(" in Path(source).read_text("utf-8")
    )


class Walk:
    """Organisations are asked for and letters caused while the clock is stepped."""

    def __init__(self, machine: MachineTime, directory: Running, letters: Running) -> None:
        self.machine = machine
        self.directory, self.letters = directory, letters
        self.causes = Causes(letters.keyring.sealer())
        self.answers: dict[str, set[str]] = {}
        self.statuses: Counter[int] = Counter()

    async def ask(self, key: str) -> None:
        """Ask for an organisation, or again for the same one."""
        body = {"name": key, "kind": "association", "sector": "association"}
        async with self.directory.client() as client:
            answer = await client.post(
                "/v1/organisations", json=body, headers={"Idempotency-Key": key}
            )
        self.statuses[answer.status_code] += 1
        if answer.status_code == 201:
            self.answers.setdefault(key, set()).add(answer.json()["id"])

    async def go(self, steps: int, chosen: random.Random) -> None:
        """Set the clock so often; ask before and after, and again for what was asked for before.

        It never says a time before the stores were made: nobody writes letters of that time.
        """
        bus = self.letters.bus
        await append(bus, self.causes.opening(self.machine.now()))
        for number in range(steps):
            keys = [new_id() for _ in range(2)]
            await self.ask(keys[0])
            box = f"box-{number}@example.org"
            await append(bus, self.causes.confirmations([box], self.machine.now()))
            possible = [step for step in STEPS if self.machine.ahead + step >= timedelta()]
            self.machine.step(chosen.choice(possible))
            for key in (*keys, *chosen.sample(sorted(self.answers), 1)):
                await self.ask(key)
            await asyncio.sleep(chosen.uniform(0, 0.1))

    async def come_to_rest(self) -> None:
        """Set the clock to where nothing that was put off lies ahead, and wait."""
        self.machine.step(max(timedelta(), timedelta(hours=6) - self.machine.ahead))
        late = self.causes.confirmations(["last@example.org"], self.machine.now())
        await append(self.letters.bus, late)
        for it in (self.directory, self.letters):
            await until_heard(it.service, 120)


async def test_steps_of_the_clock_do_no_harm(
    own_kafka: str,
    make_url: MakeUrl,
    tmp_path: Path,
    rounds: Rounds,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each request has one answer and one message, each letter is written once and goes."""
    began, steps = monotonic(), rounds(sample=12, whole=200)
    machine = MachineTime(monkeypatch)
    async with kafka(own_kafka, DOMAIN) as bus:
        begins = await ends(own_kafka)
        directory_url = await make_url("postgresql")
        letters_url = await make_url("postgresql")
        async with (
            alone("directory", bus, tmp_path, directory_url) as directory,
            alone("notifications", bus, tmp_path, letters_url) as letters,
        ):
            walk = Walk(machine, directory, letters)
            await walk.go(steps, random.Random(seed))
            await walk.come_to_rest()
            found = await deliveries(letters.service.store, walk.causes.boxes)
        told = await told_since(own_kafka, begins)
    wrong = [f"answer: {status}, {n} times" for status, n in walk.statuses.items() if status != 201]
    wrong += [f"answers: {key} has {len(ids)}" for key, ids in walk.answers.items() if len(ids) > 1]
    wrong += told_once({each for ids in walk.answers.values() for each in ids}, told)
    boxes = list(walk.causes.boxes.values())
    wrong += letters_as_taken(boxes, found, mails(tmp_path), {})
    note(
        "clock steps of up to two hours",
        steps,
        checks={"I17": steps, "I9": walk.statuses.total(), "I14": len(boxes), "I7": len(told)},
        violations=wrong,
        seed=seed,
        seconds=monotonic() - began,
    )
    agree(seed, wrong)


async def test_a_store_that_was_made_in_the_future_is_found(
    own_kafka: str, make_url: MakeUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: a store that holds on to a birth in the future loses letters, and is found."""
    monkeypatch.setattr(Store, "was_born_after", lambda store, at: at < store.born_at)
    machine = MachineTime(monkeypatch)
    url = await make_url("postgresql")
    async with (
        kafka(own_kafka, DOMAIN) as bus,
        alone("notifications", bus, tmp_path, url) as letters,
    ):
        machine.step(timedelta(hours=-2))
        causes = Causes(letters.keyring.sealer())
        await append(bus, causes.opening(machine.now()))
        await append(bus, causes.confirmations(["a@example.org"], machine.now()))
        await until_heard(letters.service)
        found = await deliveries(letters.service.store, causes.boxes)
    assert letters_as_taken(causes.boxes.values(), found, mails(tmp_path), {}) == [
        "deliveries: a@example.org has 0"
    ]


def mails(folder: Path) -> Counter[str]:
    """Count the mails that lie in the folder, by mailbox."""
    found = (folder / "mail").glob("*.eml")
    return Counter(parsed(path.read_bytes())["To"].addresses[0].addr_spec for path in found)
