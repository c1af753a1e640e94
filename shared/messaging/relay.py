"""The relay: sends a store's unsent outbox rows to the bus, in order, and marks them sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, insert, select, text
from sqlmodel import UTCDateTime

from shared.ending import end
from shared.ids import new_id
from shared.messaging.amends import send_latest_again
from shared.messaging.appender import (
    Appender,
    AppenderFactory,
    OutboxRecord,
    Unsendable,
)
from shared.observability.metrics import Metrics
from shared.observability.tracing import Sending, begin_sending
from shared.store.hot import Hot
from shared.store.leader import Lease
from shared.store.plumbing import dead_letter, outbox
from shared.store.store import Store
from shared.store.work import Work, decode_headers

BATCH = 500
POLL_SECONDS = 1.0
RUSH_SECONDS = 0.01
LINGER_SECONDS = 0.05
"""Rows that come within RUSH after a batch was sent wait for LINGER: then many share the next."""
LONGEST_PAUSE_SECONDS = 2.0

_MARK = {
    dialect: Hot(
        text(f"UPDATE outbox SET sent_at = :at WHERE seq IN (SELECT {rows})").bindparams(  # noqa: S608 -- our own words
            bindparam("at", type_=UTCDateTime())
        )
    )
    for dialect, rows in (
        ("sqlite", "value FROM json_each(:seqs)"),
        (
            "postgresql",
            "CAST(value AS integer) FROM json_array_elements_text(CAST(:seqs AS json)) AS value",
        ),
    )
}

log = structlog.get_logger()


class Relay:
    """One per store, run by the leading process.

    Rows are chosen by `sent_at IS NULL` (a lower seq can commit later than a higher one), sent in
    order and acknowledged by all replicas before they are marked. After any error the producer is
    thrown away and the first unmarked row is sent again: at least once, order kept. It sends only
    while it can prove that this process leads.
    """

    def __init__(self, store: Store, open_appender: AppenderFactory) -> None:
        self._store = store
        self._open_appender = open_appender
        self._appender: Appender | None = None
        self._metrics = store.need(Metrics)
        self._metrics.dead_letters.labels(f"{store.service}.relay")  # shown as 0 from the start
        self.sent = 0
        self.failures = 0
        self._sending: Sending | None = None
        self._amends: set[asyncio.Task[None]] = set()
        self.complaint: str | None = None
        """Why nothing goes out at the moment, or None."""

    async def run(self) -> None:
        """Relay until cancelled; woken by commits, and by a timer in case a wake-up was lost."""
        pause = 0.05
        loop = asyncio.get_running_loop()
        sent_at = 0.0
        try:
            while True:
                filled = self._store.outbox_filled.is_set()
                if filled and loop.time() - sent_at < RUSH_SECONDS:
                    await asyncio.sleep(LINGER_SECONDS)
                self._store.outbox_filled.clear()
                try:
                    sent = await self.relay_once()
                    pause = 0.05
                    self.complaint = None  # also where there was nothing to send: it could be asked
                    if sent:
                        sent_at = loop.time()
                        continue
                except Exception as error:  # noqa: BLE001 -- whatever it was, rows wait and go again
                    self.failures += 1
                    self._metrics.relay_messages.labels(self._store.service, "failed").inc()
                    self.complaint = type(error).__name__
                    log.warning("relay.failed", service=self._store.service, error=repr(error))
                    await self._drop_appender()
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                    continue
                await self._wait()
        finally:
            await self._drop_appender()

    async def close(self) -> None:
        """Give up what is still to be made good."""
        await end(self._amends)

    async def relay_once(self) -> int:
        """Send the next batch; return how many rows were sent or parked."""
        rows = await self._unsent()
        if not rows:
            return 0
        if self._appender is None:
            self._appender = await self._open_appender(self._store.service)
        records = [
            OutboxRecord(row.topic, row.key, row.body, decode_headers(row.headers)) for row in rows
        ]
        sending = self._sending = begin_sending(self._store.service, rows, records)
        lease = self._store.lease
        if lease is not None and not await lease.still_holds():
            return 0
        try:
            async with self._amended(lease, rows):
                await self._appender.append(records)
        except Unsendable as refusal:
            await self._send_around(rows, records, refusal)
            return refusal.index + 1
        if sending is not None:
            sending.sent(rows)
        await self._mark([row.seq for row in rows])
        return len(rows)

    @asynccontextmanager
    async def _amended(self, lease: Lease | None, rows: list[Row[Any]]) -> AsyncIterator[None]:
        """Make good what is sent meanwhile, where at its end this process leads no more."""
        try:
            yield
        finally:
            if lease is not None and not await lease.still_holds():
                amends = send_latest_again(self._store, [row.seq for row in rows])
                task = asyncio.create_task(amends)
                self._amends.add(task)
                task.add_done_callback(self._amends.discard)

    async def _unsent(self) -> list[Row[Any]]:
        statement = (
            select(outbox).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.seq).limit(BATCH)
        )
        async with self._store.read() as reader:
            return list((await reader.execute(statement)).all())

    async def _send_around(
        self, rows: list[Row[Any]], records: list[OutboxRecord], refusal: Unsendable
    ) -> None:
        """Send what stands before the refused row again, park that row, leave the rest unsent."""
        assert self._appender is not None
        if refusal.index:
            await self._appender.append(records[: refusal.index])
            if self._sending is not None:
                self._sending.sent(rows[: refusal.index])
            await self._mark([row.seq for row in rows[: refusal.index]])
        row = rows[refusal.index]
        async with self._store.work() as work:
            await work.execute(
                insert(dead_letter).values(
                    id=new_id(),
                    consumer=f"andan.{self._store.service}.relay",
                    message_id=row.message_id,
                    topic=row.topic,
                    key=row.key,
                    headers=row.headers,
                    body=row.body,
                    reason=refusal.reason,
                    attempts=1,
                    parked_at=datetime.now(UTC),
                )
            )
            await _mark_sent(work, [row.seq])
        self.sent += 1
        if self._sending is not None:
            self._sending.refused(row)
        self._metrics.relay_messages.labels(self._store.service, "parked").inc()
        self._metrics.dead_letters.labels(f"{self._store.service}.relay").inc()
        log.error("relay.parked", message_id=row.message_id, topic=row.topic, reason=refusal.reason)

    async def _mark(self, seqs: list[int]) -> None:
        async with self._store.work() as work:
            await _mark_sent(work, seqs)
        self.sent += len(seqs)
        self._metrics.relay_messages.labels(self._store.service, "sent").inc(len(seqs))

    async def _drop_appender(self) -> None:
        if self._appender is not None:
            appender, self._appender = self._appender, None
            await appender.close()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._store.outbox_filled.wait()


async def _mark_sent(work: Work, seqs: list[int]) -> None:
    statement = _MARK[work.store.dialect]
    await statement.execute(work, {"at": datetime.now(UTC), "seqs": json.dumps(seqs)})
