"""Messages a second through outbox, Kafka and inbox into their effect, by 1, 2 and 4 processes."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg

from shared.contracts.events import RegistrationAttended
from shared.ids import new_id
from shared.messaging.appender import OutboxRecord
from shared.messaging.broker import KafkaBus
from shared.store.work import encode_headers
from tests.bench.ground import Ground, ground
from tests.bench.messages import attended
from tests.bench.results import Result
from tests.bench.servers import Child, server

MESSAGES = 20_000
SENT_AT_ONCE = 5_000
PROCESSES = (1, 2, 4)
GROUP = "andan.reporting.figures"
TOPIC = RegistrationAttended.topic
STORE = "postgresql"
_INTO_OUTBOX = (
    "INSERT INTO outbox (message_id, topic, key, headers, body, at)"
    " VALUES ($1, $2, $3, $4, $5, now())"
)


def measure() -> list[Result]:
    """Let reporting take a backlog, and what events commits, with more and more processes."""
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder, ground(Path(folder)) as on:
        relaying = server("services", "events", ready="/readyz", environment=on.environment)
        with relaying as events, ExitStack() as rest:
            taking: list[Child] = []
            for how_many in PROCESSES:
                while len(taking) < how_many:
                    taking.append(rest.enter_context(_one_more(on, len(taking) + 1)))
                results += asyncio.run(_backlog(on, taking))
                results += asyncio.run(_from_commit(on, events, taking))
        return results + _bare(on, results)


@contextmanager
def _one_more(on: Ground, instance: int) -> Iterator[Child]:
    """Run one more reporting, and wait until it has been given its share of the partitions."""
    environment = on.environment | {"ANDAN_INSTANCE": str(instance)}
    with server("services", "reporting", ready="/readyz", environment=environment) as child:
        time.sleep(3)  # a member more: the others join anew at their next heartbeat
        yield child


async def _backlog(on: Ground, taking: list[Child]) -> list[Result]:
    """Fill the topic while the consumers stand still, then time them until all is taken."""
    for child in taking:
        os.kill(child.process.pid, signal.SIGSTOP)
    try:
        await append(on, attended(MESSAGES))
    finally:
        spent = sum(child.cpu_seconds for child in taking)
        began = time.time()
        for child in taking:
            os.kill(child.process.pid, signal.SIGCONT)
    seconds = await _until_taken(on, began)
    cpu = (sum(child.cpu_seconds for child in taking) - spent) / MESSAGES * 1e6
    many = _processes(len(taking))
    return [
        Result(f"backlog in Kafka taken by {many}", MESSAGES / seconds, "messages/s", None, STORE),
        Result(f"cost of a message taken by {many}", cpu, "µs CPU", None, STORE),
    ]


async def _from_commit(on: Ground, events: Child, taking: list[Child]) -> list[Result]:
    """Commit an outbox full of messages at once, and time it until all have their effect."""
    rows = [
        (new_id(), topic, key, encode_headers(headers), body)
        for topic, key, body, headers in attended(MESSAGES)
    ]
    spent = events.cpu_seconds
    connection = await asyncpg.connect(on.postgres.url("events"))
    try:
        async with connection.transaction():
            await connection.executemany(_INTO_OUTBOX, rows)
            await connection.execute("SELECT pg_notify('andan_events', '')")
        began = time.time()
    finally:
        await connection.close()
    seconds = await _until_taken(on, began)
    cpu = (events.cpu_seconds - spent) / MESSAGES * 1e6
    many = _processes(len(taking))
    rate = Result(
        f"outbox to effect, taken by {many}", MESSAGES / seconds, "messages/s", None, STORE
    )
    return [rate, Result(f"cost of a message relayed to {many}", cpu, "µs CPU", None, STORE)]


async def _until_taken(on: Ground, began: float) -> float:
    """Return the seconds from then until the last effect; each message has exactly one."""
    taken = await on.taken("reporting", GROUP, began)
    while taken.count < MESSAGES:
        await asyncio.sleep(0.25)
        await on.until_read(GROUP, [TOPIC])
        taken = await on.taken("reporting", GROUP, began)
    assert taken.count == MESSAGES, f"{taken.count} effects of {MESSAGES} messages"
    return taken.last - began


def _processes(how_many: int) -> str:
    return "1 process" if how_many == 1 else f"{how_many} processes"


def _bare(on: Ground, results: list[Result]) -> list[Result]:
    """Compare the cost of a message with bare aiokafka, on the same servers and the same topic."""
    costs = {each.name: each.value for each in results if each.unit == "µs CPU"}
    environment = on.environment | {"DATABASE_URL": on.postgres.url("reporting")}
    found = []
    for verb, ours in (("take", "taken by"), ("send", "relayed to")):
        cost = float(
            subprocess.run(
                [sys.executable, "-m", "tests.bench.bare", verb, str(MESSAGES)],
                env={**os.environ, **environment},
                check=True,
                capture_output=True,
                timeout=120,
            ).stdout
        )
        mine = costs[f"cost of a message {ours} 1 process"]
        name = {"take": "taken, with its row", "send": "sent"}[verb]
        found += [
            Result(f"cost of a message {name}, bare aiokafka", cost, "µs CPU", None, STORE),
            Result(f"cost of a message {name}, ours", mine, "µs CPU", cost, STORE),
        ]
    return found


async def append(on: Ground, records: Iterator[OutboxRecord]) -> int:
    """Send the records as a relay would; return how many they were."""
    bus = KafkaBus(on.kafka.bootstrap_servers)
    appender = await bus.appender("bench")
    sent = 0
    rows: list[OutboxRecord] = []
    try:
        for record in records:
            rows.append(record)
            if len(rows) == SENT_AT_ONCE:
                await appender.append(rows)
                sent += len(rows)
                rows = []
        await appender.append(rows)
        return sent + len(rows)
    finally:
        await appender.close()
