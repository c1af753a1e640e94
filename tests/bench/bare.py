"""What the bus costs without us: bare aiokafka that writes the same row, and one that sends.

`python -m tests.bench.bare take MESSAGES` reads a topic in batches of as many records as ours,
reads each body, inserts one row for each in one transaction per batch, then commits the offsets.
`… send MESSAGES` sends the same records as our relay does, 500 at a time. Either prints the
processor time of one message in microseconds.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.contracts.events import RegistrationAttended
from shared.messaging.hearing import BATCH as TAKEN_AT_ONCE
from shared.messaging.relay import BATCH as SENT_AT_ONCE
from tests.bench.messages import attended

TABLE = "bare_fact"
SCHEMA = f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (LIKE fact INCLUDING ALL);
    TRUNCATE {TABLE}
"""
INSERT = (
    f"INSERT INTO {TABLE} (message_id, type, scope, slot, sequence, at, year, data)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (message_id) DO NOTHING"
)
SERVERS = "KAFKA_BOOTSTRAP_SERVERS"


async def take(how_many: int) -> float:
    """Take so many messages; return the processor seconds that took, without the start."""
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute(SCHEMA)
    consumer = AIOKafkaConsumer(
        RegistrationAttended.topic,
        bootstrap_servers=os.environ[SERVERS],
        group_id=f"bare-{time.time()}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    began = time.process_time()
    left = how_many
    while left > 0:
        found = await consumer.getmany(timeout_ms=1000, max_records=TAKEN_AT_ONCE)
        rows = [_row(record) for records in found.values() for record in records]
        if rows:
            async with connection.transaction():
                await connection.executemany(INSERT, rows)
            await consumer.commit()
            left -= len(rows)
    spent = time.process_time() - began
    await consumer.stop()
    await connection.close()
    return spent


def _row(record: Any) -> tuple[Any, ...]:
    headers = dict(record.headers)
    body = json.loads(record.value)
    scope = f"event/{body['event_id']}"
    slot = f"presence/{body['registration_id']}"
    data = {"people": body["people"], "unnamed": body["group"], "sector": body["sector"]}
    return (
        headers["ce_id"].decode(),
        headers["ce_type"].decode(),
        scope,
        slot,
        int(headers["ce_sequence"]),
        datetime.fromisoformat(headers["ce_time"].decode()),
        None,
        json.dumps(data),
    )


async def send(how_many: int) -> float:
    """Send so many messages; return the processor seconds that took, without making them."""
    producer = AIOKafkaProducer(
        bootstrap_servers=os.environ[SERVERS], acks="all", enable_idempotence=True, linger_ms=5
    )
    rows = list(attended(how_many))
    await producer.start()
    began = time.process_time()
    for at in range(0, len(rows), SENT_AT_ONCE):
        sent = [
            await producer.send(topic, value, key=key, headers=headers)
            for topic, key, value, headers in rows[at : at + SENT_AT_ONCE]
        ]
        await asyncio.gather(*sent)
    spent = time.process_time() - began
    await producer.stop()
    return spent


DO: dict[str, Callable[[int], Awaitable[float]]] = {"take": take, "send": send}


async def main() -> None:
    """Do what the command line says."""
    how_many = int(sys.argv[2])
    print(await DO[sys.argv[1]](how_many) / how_many * 1e6)


if __name__ == "__main__":
    uvloop.run(main())
