"""The toys under traffic, killed and started again: what was asked, and what is held at the end."""

import asyncio
import json
import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from shared.security.inner import HEADER
from shared.testing.running import key_with
from tests.failures import checkers
from tests.failures.checkers import Held
from tests.failures.history import Attempt, History, Outcome
from tests.failures.platform_campaign import FIRST
from tests.failures.processes import Child
from tests.toy.house import INNER_KEY
from tests.toy.process import SHELVES

LEND = "lend"
WORKERS = 6


class Inner(httpx2.Auth):
    """Amina, with what she may do, and a token that is never too old."""

    def __init__(self, *scopes: str) -> None:
        self._scopes = scopes

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Put the token of the moment on the request."""
        request.headers[HEADER] = INNER_KEY.mint(key_with(*self._scopes, id="amina"))
        yield request


@dataclass
class Traffic:
    """Clients that take places, with and without a key, and repeat what stayed unknown."""

    urls: Sequence[str]
    random: random.Random
    history: History = field(default_factory=History)
    unsure: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledged: int = 0
    share_named: float = 0.2
    """How much of the traffic the ledger can only write down once it knows the loan's name."""

    async def drive(self, stop: asyncio.Event) -> None:
        """Ask for places from several sides at once until told to stop."""
        async with httpx2.AsyncClient(auth=Inner(), timeout=10, trust_env=False) as client:
            await asyncio.gather(*(self._work(client, stop) for _ in range(WORKERS)))

    async def settle(self) -> None:
        """Repeat everything that is still unknown and has a key, once."""
        async with httpx2.AsyncClient(auth=Inner(), timeout=10, trust_env=False) as client:
            for intent in list(self.unsure):
                await self._repeat(client, intent)

    async def _work(self, client: httpx2.AsyncClient, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if self.unsure and self.random.random() < 0.3:
                attempt = await self._repeat(client, self.random.choice(list(self.unsure)))
            else:
                attempt = await self._ask(client)
            if attempt is not None and attempt.outcome is Outcome.UNKNOWN:
                await asyncio.sleep(0.05)

    async def _ask(self, client: httpx2.AsyncClient) -> Attempt:
        intent = f"i{len(self.history.attempts)}"
        body = {
            "name": intent,
            "mood": "named" if self.random.random() < self.share_named else "good",
            "shelf": "few" if self.random.random() < 0.2 else "s",
        }
        if self.random.random() < 0.6:
            self.unsure[intent] = body
        return await self._send(client, intent, body, keyed=intent in self.unsure)

    async def _repeat(self, client: httpx2.AsyncClient, intent: str) -> Attempt | None:
        body = self.unsure.get(intent)
        return None if body is None else await self._send(client, intent, body, keyed=True)

    async def _send(
        self, client: httpx2.AsyncClient, intent: str, body: dict[str, Any], *, keyed: bool
    ) -> Attempt:
        attempt = await self.history.post(
            client,
            f"{self.random.choice(self.urls)}/shelves/{body['shelf']}/loans",
            {"name": body["name"], "mood": body["mood"]},
            intent=intent,
            action=LEND,
            key=intent if keyed else None,
        )
        if attempt.outcome is Outcome.OK:
            self.acknowledged += 1
            attempt.answer["shelf"] = body["shelf"]
        # Some of what is known is asked again all the same: its answer must not change.
        if attempt.outcome is not Outcome.UNKNOWN and self.random.random() < 0.8:
            self.unsure.pop(intent, None)
        return attempt


@dataclass(frozen=True)
class Remains:
    """What the toys' stores hold."""

    loans: list[Held]
    shelves: dict[str, int]
    places: dict[str, list[int]]
    taken: list[str]
    """Loans of the messages PlaceTaken, in the order of their commits."""
    named: list[str]
    """Loans of the messages NameGiven."""
    entries: list[str]
    """Loans of the ledger's lines, in their order."""
    names: list[str]
    """Loans whose name the ledger knows."""
    unsent: int
    waiting: int
    moods: dict[str, str]
    shelf_of: dict[str, str]


def remains(lender: dict[str, list[Any]], ledger: dict[str, list[Any]]) -> Remains:
    """Put together what the tables of the two stores hold."""
    bodies = [json.loads(row[0]) for row in lender["outbox"]]
    taken = [body for body in bodies if "place" in body]
    named = {body["loan_id"]: body["name"] for body in bodies if "name" in body}
    places: dict[str, list[int]] = defaultdict(list)
    loans = []
    for id_, shelf, place in lender["loan"]:
        places[shelf].append(place)
        loans.append(Held(id_, named.get(id_, f"nobody for {id_}"), {"place": place}))
    return Remains(
        loans=loans,
        shelves=dict(lender["shelf"]),
        places=dict(places),
        taken=[body["loan_id"] for body in taken],
        named=[body["loan_id"] for body in bodies if "name" in body],
        entries=[row[0] for row in ledger["entry"]],
        names=[row[0] for row in ledger["name"]],
        unsent=lender["unsent"][0][0],
        waiting=ledger["waiting"][0][0],
        moods={body["loan_id"]: body["mood"] for body in taken},
        shelf_of={body["loan_id"]: body["shelf_id"] for body in taken},
    )


LENDER_QUERIES = {
    "outbox": f"SELECT body FROM outbox WHERE {FIRST} ORDER BY seq",
    "loan": "SELECT id, shelf_id, place FROM loan",
    "shelf": "SELECT id, taken FROM shelf",
    "unsent": "SELECT count(*) FROM outbox WHERE sent_at IS NULL",
}
LEDGER_QUERIES = {
    "entry": "SELECT loan_id FROM entry ORDER BY seq",
    "name": "SELECT loan_id FROM name",
    "waiting": "SELECT count(*) FROM waiting",
}


def remains_of_files(folder: Path) -> Remains:
    """Read the stores of a stopped process."""

    def ask(name: str, queries: dict[str, str]) -> dict[str, list[Any]]:
        with closing(sqlite3.connect(folder / f"{name}.sqlite")) as store:
            return {each: store.execute(text).fetchall() for each, text in queries.items()}

    return remains(ask("lender", LENDER_QUERIES), ask("ledger", LEDGER_QUERIES))


async def remains_of_databases(urls: Mapping[str, str]) -> Remains:
    """Read the stores on PostgreSQL; `urls` has the addresses of lender and ledger."""

    async def ask(name: str, queries: dict[str, str]) -> dict[str, list[Any]]:
        connection = await asyncpg.connect(urls[name])
        try:
            return {each: await connection.fetch(text) for each, text in queries.items()}
        finally:
            await connection.close()

    return remains(await ask("lender", LENDER_QUERIES), await ask("ledger", LEDGER_QUERIES))


def violations(history: History, held: Remains) -> list[str]:
    """Return everything that is wrong."""
    calm = {loan for loan, mood in held.moods.items() if mood == "good"}
    committed: dict[str, list[str]] = defaultdict(list)
    seen: dict[str, list[str]] = defaultdict(list)
    for loans, by_shelf in ((held.taken, committed), (held.entries, seen)):
        for loan in loans:
            if loan in calm:  # what waited for its name comes later, as it should
                by_shelf[held.shelf_of[loan]].append(loan)
    return [
        *checkers.each_acknowledged_once(history, LEND, held.loans),
        *checkers.each_effect_has_a_cause(history, LEND, held.loans),
        *checkers.one_effect_per_intent(history, LEND, _keyed(history, held.loans)),
        *checkers.one_effect_per_message((loan.id for loan in held.loans), held.taken),
        *checkers.one_effect_per_message(held.taken, held.entries),
        *checkers.one_effect_per_message(held.named, held.names),
        *checkers.in_order_of_commits(committed, seen),
        *checkers.never_over(SHELVES, {name: len(n) for name, n in held.places.items()}),
        *checkers.never_over(held.shelves, {name: len(n) for name, n in held.places.items()}),
        *checkers.first_asked_first_placed(history, LEND, "shelf", "place"),
        *(
            sentence
            for name, numbers in held.places.items()
            for sentence in checkers.numbered_without_gap(name, numbers)
        ),
        *([f"unsent: {held.unsent} rows"] if held.unsent else []),
        *([f"waiting: {held.waiting} messages"] if held.waiting else []),
    ]


def _keyed(history: History, loans: Sequence[Held]) -> list[Held]:
    """Return the loans of intents that were sent more than once (all of them under their key)."""
    tries = Counter(attempt.intent for attempt in history.attempts)
    return [loan for loan in loans if tries[loan.intent] > 1]


def toys(folder: Path, **flags: str) -> Child:
    """Return a process of the toys with its files below `folder`; `flags` as it takes them."""
    child = Child("tests.toy.process", log=folder / "log.txt")
    words = {"data": str(folder), "port": str(child.port), **flags}
    for name, value in words.items():
        child.arguments = (*child.arguments, f"--{name.replace('_', '-')}", value)
    return child


async def until_quiet(*addresses: str, seconds: float = 40) -> None:
    """Wait until the services at these addresses have nothing left to do."""
    async with (
        httpx2.AsyncClient(auth=Inner("operations:admin"), timeout=10, trust_env=False) as client,
        asyncio.timeout(seconds),
    ):
        before: list[Any] = []
        while True:
            answers = [await client.get(f"{each}/internal/quiet") for each in addresses]
            now = [answer.raise_for_status().json() for answer in answers]
            if all(each["quiet"] for each in now) and before == now:
                return
            before = now
            await asyncio.sleep(0.1)


async def kill_under_traffic(
    child: Child, traffic: Traffic, end: Callable[[Child], object] = Child.kill
) -> None:
    """Let the traffic run, kill the process at a random instant of it, and end the traffic."""
    stop = asyncio.Event()
    driving = asyncio.create_task(traffic.drive(stop))
    try:
        before = traffic.acknowledged
        async with asyncio.timeout(30):
            while traffic.acknowledged < before + 20:
                await asyncio.sleep(0.005)
        await asyncio.sleep(traffic.random.uniform(0, 0.6))
        await asyncio.to_thread(end, child)
        await asyncio.sleep(0.05)
    finally:
        stop.set()
        await driving
