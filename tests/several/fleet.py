"""Processes of the toys on one PostgreSQL and one Kafka, so many of each as a test wants."""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx2

from shared.testing.postgres import Databases
from tests.failures.processes import Child, ended
from tests.failures.toy_campaign import (
    LEDGER_QUERIES,
    Traffic,
    remains_of_databases,
    toys,
    until_quiet,
    violations,
)
from tests.toy.house import unique

SENT = re.compile(r'andan_relay_messages_total\{outcome="sent",service="lender"\} (\S+)')
HANDLED = re.compile(r'andan_message_seconds_count\{consumer="[^"]*",outcome="[^"]*"\} (\S+)')
LEADER = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


@dataclass
class Fleet:
    """The lenders and ledgers of a test, by name."""

    folder: Path
    kafka: str
    urls: dict[str, str]
    session_seconds: float = 3.0
    mark: str = field(default_factory=lambda: unique("several"))
    all: dict[str, Child] = field(default_factory=dict)

    def add(self, part: str, name: str, *, instance: str = "", step: str = "") -> Child:
        """Return a new process of a part, not started; with a step it is the next version's."""
        home = self.folder / name
        home.mkdir()
        child = toys(
            home,
            bus=self.kafka,
            parts=part,
            mark=self.mark,
            lender_url=self.urls["lender"],
            ledger_url=self.urls["ledger"],
            instance=instance,
            session_seconds=str(self.session_seconds),
        )
        if step:
            child.arguments = ("tests.toy.newer.process", step, *child.arguments[1:])
        self.all[name] = child
        return child

    async def start(self, *names: str) -> None:
        """Start processes (all that do not run, where none is named) and wait for them."""
        chosen = [self.all[name] for name in names] or [
            each for each in self.all.values() if not each.runs
        ]
        for child in chosen:
            child.start()
        await asyncio.gather(*(child.until_ready(120) for child in chosen))

    @property
    def lenders(self) -> list[str]:
        """The addresses of the lenders."""
        return [each.url for each in self.all.values() if "lender" in each.arguments]

    def named(self, part: str) -> list[str]:
        """Return the names of the running processes of a part."""
        return [name for name, each in self.all.items() if each.runs and part in each.arguments]

    async def count(self, pattern: re.Pattern[str], names: Iterable[str]) -> dict[str, float]:
        """Return what the metrics of these processes say, summed up."""
        counts = {}
        async with httpx2.AsyncClient(timeout=20, trust_env=False) as client:
            for name in names:
                told = (await client.get(f"{self.all[name].url}/metrics")).text
                counts[name] = sum(float(each) for each in pattern.findall(told))
        return counts

    async def ask(self, store: str, query: str) -> int:
        """Return the one number that a query to a store gives."""
        connection = await asyncpg.connect(self.urls[store])
        try:
            number: int = await connection.fetchval(query)
            return number
        finally:
            await connection.close()

    async def leader(self) -> str:
        """Return the name of the lender that relays; wait until one has."""
        async with asyncio.timeout(60):
            while True:
                before = await self.count(SENT, self.named("lender"))
                await asyncio.sleep(0.2)
                after = await self.count(SENT, before)
                acted = [name for name in after if after[name] > before.get(name, 0)]
                if len(acted) == 1:
                    return acted[0]

    async def take_over(self, name: str) -> float:
        """Return after how many seconds the lender `name` has begun to relay."""
        began = time.monotonic()
        before = await self.count(SENT, [name])
        async with asyncio.timeout(60):
            while await self.count(SENT, [name]) == before:
                await asyncio.sleep(0.05)
        return time.monotonic() - began

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a process a signal."""
        os.kill(self.all[name].pid, number)

    async def rest(self, traffic: Traffic) -> list[str]:
        """Settle, wait until nothing is left to do, stop everybody, and say what is wrong."""
        await traffic.settle()
        running = [each for each in self.all.values() if each.runs]
        await until_quiet(*(each.url for each in running), seconds=120)
        async with asyncio.timeout(60):
            while await self.ask("ledger", LEDGER_QUERIES["waiting"]):
                await asyncio.sleep(0.1)
        stopped = [await asyncio.to_thread(each.terminate) for each in running]
        wrong = [f"unclean: a process ended with {code}" for code in stopped if code]
        return wrong + violations(traffic.history, await remains_of_databases(self.urls))


@asynccontextmanager
async def fleet(folder: Path, kafka: str, server: Databases) -> AsyncIterator[Fleet]:
    """Give a fleet two new databases; end all of its processes at the end."""
    urls = {name: await server.create_database() for name in ("lender", "ledger")}
    made = Fleet(folder, kafka, urls)
    try:
        yield made
    finally:
        for child in made.all.values():  # a stopped process does not hear anything else
            if child.runs:
                os.kill(child.pid, signal.SIGCONT)
        with ended(*made.all.values()):
            pass


@asynccontextmanager
async def driven(traffic: Traffic) -> AsyncIterator[None]:
    """Let the traffic run meanwhile."""
    stop = asyncio.Event()
    driving = asyncio.create_task(traffic.drive(stop))
    try:
        yield
    finally:
        stop.set()
        await driving
