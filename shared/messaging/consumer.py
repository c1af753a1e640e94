"""The consumer: takes batches from the bus so that each message has exactly one effect."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.clock import Clock
from shared.contracts.envelope import MalformedEnvelope
from shared.contracts.message import MESSAGES, Message, UnknownMessage, decode
from shared.messaging import dead_letters, inbox, waiting
from shared.messaging.received import Received
from shared.messaging.subscription import DependencyDown, NotYet, Subscription, correlated
from shared.observability.logs import message_line
from shared.observability.metrics import Metrics
from shared.observability.tracing import Step, begin_message
from shared.store.away import sqlstate, store_is_away
from shared.store.store import Store
from shared.store.work import Work

ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 30.0
HANDLER_SECONDS = 10.0
LOOK_AGAIN = timedelta(seconds=10)
LOOK_AT_ONCE = 500
"""How many of those that wait are tried at a time, of very many."""

_PERMANENT = (MalformedEnvelope, UnknownMessage, ValidationError, UnicodeDecodeError)
_AWAY = (InterfaceError, PoolTimeout, DependencyDown)

log = structlog.get_logger()


class Consumer:
    """Hands a subscription's messages to its handlers, in order per key.

    A batch is one transaction with the inbox rows of its messages. If anything in it fails, its
    messages are taken one at a time: three attempts with growing pauses, then the message is
    parked with its reason and the next one follows. If the store or another dependency is away,
    `take` waits and raises, so that the bus delivers the batch again.
    """

    def __init__(self, subscription: Subscription, store: Store) -> None:
        self.subscription = subscription
        self._store = store
        self._away = 0
        self.busy = False
        self._turn = asyncio.Lock()
        """What waits must not be looked at while a batch may be waking it."""
        self.counts = dict.fromkeys(("handled", "duplicate", "retried", "parked", "ignored"), 0)
        self._metrics = store.need(Metrics)
        self._name = subscription.group.removeprefix("andan.")
        for counter in (self._metrics.dead_letters, self._metrics.retries):
            counter.labels(self._name)  # shown as 0 from the start, or nobody sees the first rise

    @property
    def clock(self) -> Clock:
        """The clock of the service."""
        return self._store.clock

    async def take(self, batch: Sequence[Received]) -> None:
        """Take a batch; when this returns, every message of it was handled, waits, or is parked."""
        self.busy = True
        try:
            async with self._turn:
                await self._take(batch)
            self._away = 0
        except Exception as error:
            if not _is_away(error):
                raise
            pause = min(FIRST_PAUSE_SECONDS * 2**self._away, LONGEST_PAUSE_SECONDS)
            self._away += 1
            log.warning("consumer.waits", consumer=self.subscription.group, error=repr(error))
            await asyncio.sleep(pause)
            raise
        finally:
            self.busy = False

    async def look_again(self, waited: timedelta = LOOK_AGAIN) -> None:
        """Try the messages that have waited a while once more (a wake-up may have been missed)."""
        before = datetime.now(UTC) - waited
        async with self._turn:
            async with self._store.read() as reader:
                rows = await waiting.awaiting_since(
                    reader, self.subscription.group, before, LOOK_AT_ONCE
                )
            await self._try(rows)
            await self._run_ready()

    async def replay(self, letter: Row[Any]) -> None:
        """Handle a parked message although the inbox has seen it; it is gone if that succeeds."""
        received = waiting.as_received(letter)
        try:
            async with self._store.work() as work:
                if await dead_letters.drop(work, letter.id):
                    await self._handle(work, received)
        except Exception as error:
            async with self._store.work() as work:
                await dead_letters.failed_again(work, letter.id, _reason(error))
            raise

    async def _take(self, batch: Sequence[Received]) -> None:
        try:
            began = perf_counter()
            async with asyncio.timeout(HANDLER_SECONDS * 3), self._store.work() as work:
                some_wait = await self._take_together(work, batch)
            if not self.subscription.acts:
                self._metrics.message_seconds.labels(self._name, "batch").observe(
                    perf_counter() - began
                )
        except Exception as error:
            if _is_away(error):
                raise
            some_wait = True
            for received in batch:
                await self._take_alone(received)
        if some_wait:
            await self._look_once_more([received.id for received in batch])
            await self._run_ready()

    async def _take_together(self, work: Work, batch: Sequence[Received]) -> bool:
        """Handle what is new in one transaction; say whether any message waits."""
        group = self.subscription.group
        concerning = [received for received in batch if self._concerns(received)]
        if not concerning:
            return False
        new = await inbox.take(work, group, [received.id for received in concerning])
        waits = await waiting.lines(work, group)
        arrivals: list[Received] = []
        for received in concerning:
            if received.id not in new:
                self.counts["duplicate"] += 1
                self._trace(work, received, "duplicate")
                self._metrics.inbox_duplicates.labels(self._name).inc()
                continue
            new.discard(received.id)
            arrivals.append(received)
            if waits and received.line in waits:
                await waiting.put(work, group, received, None)
                self._trace(work, received, "waits")
                continue
            before = work.changes
            try:
                await self._handle(work, received)
            except NotYet as missing:
                if work.changes != before:  # it raised too late: only a roll-back undoes the rest
                    raise
                await waiting.put(work, group, received, missing)
                self._trace(work, received, "waits")
                waits.add(received.line)
        if waits:
            await waiting.wake(work, group, [(each.topic, each.key_text) for each in arrivals])
        return bool(waits)

    async def _take_alone(self, received: Received) -> None:
        try:
            failed = await self._failed(lambda work: self._take_together(work, [received]))
        except NotYet as missing:
            async with self._store.work() as work:
                if await inbox.take(work, self.subscription.group, [received.id]):
                    await waiting.put(work, self.subscription.group, received, missing)
                    self._trace(work, received, "waits")
            return
        if failed is not None:
            async with self._store.work() as work:
                if await inbox.take(work, self.subscription.group, [received.id]):
                    await self._park(work, received, *failed)

    async def _failed(
        self, handle: Callable[[Work], Awaitable[object]]
    ) -> tuple[Exception, int] | None:
        """Handle something in one transaction, as often as may help; return why it was in vain.

        That is the last failure and the number of attempts; None where one succeeded. Raises
        NotYet, and whatever says that something is away.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with asyncio.timeout(HANDLER_SECONDS), self._store.work() as work:
                    await handle(work)
            except NotYet:
                raise
            except Exception as error:
                if _is_away(error):
                    raise
                failure = error
            else:
                return None
            if isinstance(failure, _PERMANENT) or attempt == ATTEMPTS:
                break
            self.counts["retried"] += 1
            self._metrics.retries.labels(self._name).inc()
            await asyncio.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        return failure, attempt

    async def _look_once_more(self, ids: Sequence[str]) -> None:
        """Try those of the messages that wait now: another process may just have brought it."""
        if self._store.dialect == "sqlite":
            return  # its process is alone
        try:
            async with self._store.work() as work:
                await waiting.alone(work, self.subscription.group)
        except DBAPIError as error:
            log.info("consumer.not_alone", consumer=self.subscription.group, error=repr(error))
            return  # they are looked at again later
        async with self._store.read() as reader:
            rows = await waiting.awaiting(reader, self.subscription.group, ids)
        await self._try(rows)

    async def _try(self, rows: Sequence[Row[Any]]) -> None:
        """Handle what no longer misses anything of these; the rest waits on as it did."""
        if not rows:
            return
        seqs = [row.seq for row in rows]
        try:
            async with asyncio.timeout(HANDLER_SECONDS * 3), self._store.work() as work:
                await self._try_together(work, seqs)
        except Exception as error:
            if _is_away(error):
                raise
            for seq in seqs:
                await self._try_alone(seq)

    async def _try_together(self, work: Work, seqs: Sequence[int]) -> None:
        await waiting.among(work, self.subscription.group)
        arrivals: list[tuple[str, str]] = []
        for row in await waiting.held(work, seqs):
            received = waiting.as_received(row)
            before = work.changes
            try:
                await self._handle(work, received)
            except NotYet:
                if work.changes != before:  # it raised too late: only a roll-back undoes the rest
                    raise
            else:
                await waiting.remove(work, row.seq)
                arrivals.append((received.topic, received.key_text))
        if arrivals:
            await waiting.wake(work, self.subscription.group, arrivals)

    async def _try_alone(self, seq: int) -> None:
        try:
            async with asyncio.timeout(HANDLER_SECONDS), self._store.work() as work:
                await self._try_together(work, [seq])
        except NotYet:
            return
        except Exception as error:
            if _is_away(error):
                raise
            async with self._store.work() as work:
                await waiting.make_ready(work, seq)  # where it fails again, it is parked

    async def _run_ready(self) -> None:
        """Run what is ready, until nothing is; then look once more at what waits again."""
        while True:
            again = [row.message_id async for row in self._ready() if await self._still_waits(row)]
            if not again:
                return
            await self._look_once_more(again)

    async def _ready(self) -> AsyncIterator[Row[Any]]:
        while True:
            async with self._store.read() as reader:
                row = await waiting.next_ready(reader, self.subscription.group)
            if row is None:
                return
            yield row

    async def _still_waits(self, row: Row[Any]) -> bool:
        """Handle a message that is ready; say whether it misses something else."""
        received = waiting.as_received(row)

        async def handle(work: Work) -> None:
            await waiting.among(work, self.subscription.group)
            if await waiting.remove(work, row.seq):
                await self._handle(work, received)
                arrived = (received.topic, received.key_text)
                await waiting.wake(work, self.subscription.group, [arrived])

        try:
            failed = await self._failed(handle)
        except NotYet as missing:
            async with self._store.work() as work:
                await waiting.wait_again(work, row.seq, missing)
            return True
        if failed is not None:
            async with self._store.work() as work:
                if await waiting.remove(work, row.seq):
                    await self._park(work, received, *failed)
        return False

    async def _handle(self, work: Work, received: Received) -> None:
        message = self._decode(received)
        if message is None:
            return
        assert received.envelope is not None
        work.cause = received.envelope
        step = self._step(received)
        with correlated(received.envelope, step, untraced=self.subscription.untraced):
            began = perf_counter()
            await self.subscription.handlers[message.type](work, message)
            if self.subscription.acts:
                self._tell(received, "done", began)
        if step is not None:
            work.after_commit(partial(step.end, "handled"))  # what is rolled back was not handled
        self.counts["handled"] += 1

    def _step(self, received: Received) -> Step | None:
        if received.envelope is None or self.subscription.untraced:
            return None
        service, group = self.subscription.service, self.subscription.group
        return begin_message(service, group, received.topic, received.envelope)

    def _trace(
        self, work: Work, received: Received, outcome: str, error: str | None = None
    ) -> None:
        """Tell of a message that was not handled now, once that is committed."""
        if (step := self._step(received)) is not None:
            work.after_commit(partial(step.end, outcome, error=error))

    def _decode(self, received: Received) -> Message | None:
        if received.envelope is None:
            raise MalformedEnvelope(received.fault)
        if received.envelope.type not in MESSAGES:
            raise UnknownMessage(received.envelope.type)
        if received.envelope.type not in self.subscription.handlers:
            return None
        return decode(received.envelope.type, received.body, received.key)

    def _concerns(self, received: Received) -> bool:
        """Say whether the message is to be taken; what cannot be read is, so that it is parked."""
        envelope = received.envelope
        if envelope is None or envelope.type not in MESSAGES:
            return True
        subscription = self.subscription
        is_old = subscription.within is not None and (
            self._store.was_born_after(envelope.time)
            or envelope.time < self._store.clock.now() - subscription.within
        )
        if is_old or envelope.type not in subscription.handlers:
            self.counts["ignored"] += 1
            return False
        return True

    def _tell(self, received: Received, outcome: str, began: float) -> None:
        seconds = perf_counter() - began
        self._metrics.message_seconds.labels(self._name, outcome).observe(seconds)
        message_line(
            consumer=self._name,
            topic=received.topic,
            type=received.envelope.type if received.envelope else "",
            message_id=received.id,
            outcome=outcome,
            duration_ms=seconds * 1000,
        )

    async def _park(self, work: Work, received: Received, error: Exception, attempts: int) -> None:
        reason = _reason(error)
        await dead_letters.park(work, self.subscription, received, reason, attempts)
        self._trace(work, received, "parked", type(error).__name__)
        self.counts["parked"] += 1
        self._metrics.dead_letters.labels(self._name).inc()
        log.error(
            "message.parked",
            consumer=self.subscription.group,
            message_id=received.id,
            topic=received.topic,
            reason=reason,
        )


def _is_away(error: Exception) -> bool:
    return store_is_away(error) or isinstance(error, _AWAY)


def _reason(error: Exception) -> str:
    """Say what went wrong without repeating anything the message holds."""
    if isinstance(error, ValidationError):
        places = ", ".join(".".join(map(str, e["loc"])) + ": " + e["type"] for e in error.errors())
        return f"{error.title} is not valid: {places}"[:500]
    if isinstance(error, UnicodeDecodeError):
        return "the body is not UTF-8"
    if isinstance(error, (MalformedEnvelope, UnknownMessage)):
        return f"{type(error).__name__}: {error}"[:500]
    code = sqlstate(error)
    return f"{type(error).__name__}{f' {code}' if code else ''} in the handler"
