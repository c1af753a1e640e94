"""A house that is backed up in the middle of traffic, and the life that a restore begins."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2

from tests.failures.checkers import letters_as_caused
from tests.failures.history import Attempt, History, Outcome
from tests.failures.platform_campaign import BEGIN, Seen, Traffic, look, violations
from tests.failures.processes import ROOT, Child
from tests.journeys.house import House, entered

FACTS = ("confirmed", "waitlisted", "cancelled")


def child_in(data: Path) -> Child:
    """Return the house of a data folder, on a replay clock."""
    data.mkdir(exist_ok=True)
    environment = {"ANDAN_DATA": str(data), "ANDAN_REPLAY_FROM": BEGIN.isoformat()}
    return Child("services", log=data.with_name(f"{data.name}.log"), environment=environment)


def command(
    data: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Type `python -m services …` for the house in `data`; return what it said."""
    surroundings = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "services", *arguments],
        cwd=ROOT,
        env={**surroundings, "ANDAN_DATA": str(data), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def told(data: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """The same, where it must succeed."""
    done = command(data, *arguments, environment=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class FirstLife:
    """What was asked of a house before, during and after its backup, and what it held at last."""

    traffic: Traffic
    known: set[int]
    """Which attempts had their answer before the backup began (by `id`)."""
    later: set[int]
    """Which attempts began after it was finished."""
    seen: Seen

    def as_of_the_backup(self) -> Traffic:
        """Return the traffic as the backup may know it: what came after is left open."""
        history = History()
        for each in self.traffic.history.attempts:
            if id(each) not in self.later:
                history.attempts.append(each if id(each) in self.known else _open(each))
        return replace(self.traffic, history=history)


def _open(attempt: Attempt) -> Attempt:
    if attempt.outcome is Outcome.FAIL:
        return attempt
    return replace(attempt, outcome=Outcome.UNKNOWN)


async def live(
    traffic: Traffic,
    house: House,
    back_up: Callable[[], Awaitable[None]],
    answers: tuple[int, int] = (60, 40),
) -> FirstLife:
    """Let people register, cancel and book; back up in the midst of it; go on, and come to rest."""
    stop = asyncio.Event()
    driving = asyncio.create_task(traffic.drive(house.admin.client, stop))
    try:
        await _more(traffic, answers[0])
        known = {id(each) for each in traffic.history.attempts if each.ended_at is not None}
        await back_up()
        before = {id(each) for each in traffic.history.attempts}
        await _more(traffic, answers[1])
    finally:
        stop.set()
        await driving
    later = {id(each) for each in traffic.history.attempts} - before
    await traffic.settle(house.admin.client)
    await rest(house)
    # What was repeated at the end under an old key stands in the history as begun later.
    return FirstLife(traffic, known, later, await look(house, traffic.scenery))


async def rest(house: House) -> None:
    """Wait until the house is quiet, however slow the machine is."""
    async with asyncio.timeout(300):
        while True:
            with suppress(httpx2.TimeoutException, AssertionError):
                await house.rest()
                return


async def _more(traffic: Traffic, answers: int) -> None:
    wanted = len(traffic.history.ok()) + answers
    async with asyncio.timeout(60):
        while len(traffic.history.ok()) < wanted:
            await asyncio.sleep(0.01)


async def second_life(child: Child, data: Path, first: FirstLife) -> tuple[Seen, list[str]]:
    """Start the restored house, let it come to rest, stop it; return what it shows and what is
    wrong with it.
    """
    await child.start().until_ready()
    async with entered(child.url, data, data / "mail") as house:
        await house.rest()
        seen = await look(house, first.traffic.scenery)
    assert child.terminate() == 0, child.said[-2000:]
    wrong = violations(first.as_of_the_backup(), seen, data) + delivered_once(data)
    lived = projected(data)
    for path in (data / "stores").glob("reporting.sqlite*"):
        path.unlink()
    await child.start().until_ready()
    async with entered(child.url, data, data / "mail") as house:
        await house.rest()
    assert child.terminate() == 0, child.said[-2000:]
    return seen, wrong + differences(lived, projected(data))


def projected(data: Path) -> dict[str, tuple[str, ...]]:
    """Return the facts that reporting keeps, by the ids of their messages."""
    with closing(sqlite3.connect(data / "stores" / "reporting.sqlite")) as store:
        rows = store.execute("SELECT message_id, type, scope, slot, data FROM fact").fetchall()
    return {id_: tuple(rest) for id_, *rest in rows}


def differences(
    lived: Mapping[str, tuple[str, ...]], rebuilt: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Say which facts a projection that was rebuilt from the topics has otherwise than one that
    was restored and lived on.
    """
    assert rebuilt, "nothing was projected"
    return [
        f"projection: {id_} is {lived.get(id_)}, rebuilt {rebuilt.get(id_)}"
        for id_ in sorted({*lived, *rebuilt})
        if lived.get(id_) != rebuilt.get(id_)
    ]


def delivered_once(data: Path) -> list[str]:
    """Say which fact of a registration or booking has not exactly one delivery."""
    caused: Counter[tuple[str, str]] = Counter()
    for store, topic in (
        ("events", "andan.events.registration.v1"),
        ("booking", "andan.booking.booking.v1"),
    ):
        with closing(sqlite3.connect(data / "stores" / f"{store}.sqlite")) as connection:
            for id_, headers in connection.execute(
                "SELECT message_id, headers FROM outbox WHERE topic = ?", (topic,)
            ):
                if any(f".{fact}.v1" in headers for fact in FACTS):
                    caused[id_, store] += 1
    with closing(sqlite3.connect(data / "stores" / "notifications.sqlite")) as connection:
        out = Counter(
            row[0]
            for row in connection.execute("SELECT message_id FROM delivery WHERE status = 'sent'")
        )
    found = Counter({key: out[key[0]] for key in caused})
    return letters_as_caused(caused, found)
