"""A service at run time: its app, store, consumers, relay and schedulers, started as one."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI
from sqlalchemy import Row, func, select

from shared.clock import Clock
from shared.ending import end
from shared.gauges import Gauge, sample, show
from shared.http.app import service_app
from shared.http.problems import NotFound
from shared.messaging import dead_letters
from shared.messaging.broker import Bus, BusBroker
from shared.messaging.consumer import Consumer
from shared.messaging.declaration import GroupInUse
from shared.messaging.hearing import Membership, attach
from shared.messaging.relay import Relay
from shared.messaging.subscription import Subscription
from shared.observability.metrics import Metrics
from shared.problem import Problem
from shared.security.inner import InnerKey
from shared.settings import ServiceSettings
from shared.store.janitor import clean
from shared.store.leader import Leadership
from shared.store.plumbing import due, outbox
from shared.store.scheduler import Job, Scheduler, Task, in_one_work
from shared.store.store import Store

CLEAN_EVERY_SECONDS = 600
LOOK_EVERY_SECONDS = 10
LOOK_AT_LAG_SECONDS = 0.02
JOBS_AT_ONCE = 8
LEDGER_TRIES = 5
LEDGER_PAUSE = 0.3
"""In sessions: all tries together are longer than that of a process that was killed, whose group
is in use so long."""

_LEFT = select(
    select(func.min(outbox.c.seq)).where(outbox.c.sent_at.is_(None)).scalar_subquery(),
    select(func.min(due.c.at, type_=due.c.at.type)).scalar_subquery(),
)
"""The first unsent row of the outbox, and when the next thing is due."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Parts:
    """What a service is made of; its `app.py` says so and nothing else.

    `tasks` are kinds of due rows done in one unit of work, `jobs` those that wait for a network.
    `problems` gives statuses to the service's own errors, `gauges` are looked up now and then.
    """

    name: str
    migrations: Path
    routers: Sequence[APIRouter] = ()
    subscriptions: Sequence[Subscription] = ()
    tasks: Mapping[str, Task] | None = None
    jobs: Mapping[str, Job] | None = None
    problems: Mapping[type[Problem], int] | None = None
    gauges: Sequence[Gauge] = ()
    durable: bool = True


@dataclass(frozen=True)
class Quiet:
    """Whether a service has nothing left to do now, how much it has done, and what is due next."""

    is_quiet: bool
    activity: int
    next_due: datetime | None
    reasons: tuple[str, ...] = ()


class Service:
    """One service of the house. `start` brings it up (raising where it cannot), `stop` down.

    `provide` are the tools of its handlers (a sealer, a mailer), found with `work.need(Class)`.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        settings: ServiceSettings,
        clock: Clock,
        bus: Bus,
        inner_key: InnerKey,
        metrics: Metrics,
        behind_gateway: bool = False,
        provide: Sequence[object] = (),
    ) -> None:
        self.parts = parts
        self.name = parts.name
        self.clock = clock
        self.bus = bus
        self.store = Store(
            settings.store_url(parts.name),
            service=parts.name,
            source=settings.source,
            clock=clock,
            migrations=parts.migrations,
            durable=parts.durable,
            pool_size=settings.database_pool,
        )
        self.store.provide(metrics, *provide)
        self.relay = Relay(self.store, bus.appender)
        tasks = {kind: in_one_work(task) for kind, task in (parts.tasks or {}).items()}
        self.consumers = [Consumer(each, self.store) for each in parts.subscriptions]
        self.schedulers = [
            Scheduler(self.store, tasks),
            Scheduler(self.store, parts.jobs or {}, at_once=JOBS_AT_ONCE, gives_way=self._hears),
        ]
        self.broker: BusBroker | None = None
        self._membership = Membership(settings.instance, settings.session_seconds)
        self.ledgers = [each for each in parts.subscriptions if each.is_ledger]
        self.is_up_to_ledger = asyncio.Event()
        """Set once all that its ledgers hold was heard: a restored store is as it should be."""
        self._tasks: list[asyncio.Task[None]] = []
        self.metrics = metrics
        self.app: FastAPI = service_app(self, inner_key, metrics, behind_gateway=behind_gateway)

    async def start(self, *, migrate: bool = True) -> None:
        """Open the store, begin to hear, relay and do what is due; the bus is started already."""
        await self.store.open(migrate=migrate)
        self.broker = self.bus.broker(self.name)
        for consumer in self.consumers:
            attach(self.broker, consumer, self._membership)
        for work in (self._lead(), self._hear(), self._look_again(), self._clean()):
            self._run(work)

    def drain(self) -> None:
        """End answers that would go on for ever: the process is about to stop serving."""

    async def stop(self) -> None:
        """Stop hearing (what is in hand is finished), stop relaying, close the store."""
        if self.broker is not None:
            await self.broker.stop()
        await end(self._tasks)
        self._tasks = []
        await self.relay.close()
        await self.store.close()

    async def quiet(self, *, closely: bool = True) -> Quiet:
        """Say whether nothing is left to do: outbox empty, nothing unread, nothing due.

        Unless `closely`, the bus is not asked what is unread; it is not asked either where
        something else is left to do. A store or a bus that does not answer is no reason to fail:
        the service is not quiet.
        """
        try:
            return await self._look(closely=closely)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is told as the reason
            return Quiet(False, self._activity(), None, (type(error).__name__,))

    async def _look(self, *, closely: bool) -> Quiet:
        reasons: list[str] = []
        async with self.store.read() as reader:
            unsent, next_due = (await reader.execute(_LEFT)).one()
        if unsent is not None:
            reasons.append("outbox")
        if self.broker is None or not self.broker.running:
            reasons.append("starting")
        if not self.is_up_to_ledger.is_set():
            reasons.append("ledger")
        if next_due is not None and next_due <= self.clock.now():
            reasons.append("due")
        reasons += [each.subscription.group for each in self.consumers if each.busy]
        if closely and not reasons:
            reasons += await self._unread()
        return Quiet(not reasons, self._activity(), next_due, tuple(reasons))

    async def _unread(self) -> list[str]:
        """Return the groups that have not acknowledged everything, or that are at work."""
        lags = await asyncio.gather(
            *(
                self.bus.lag(each.subscription.group, each.subscription.topics)
                for each in self.consumers
            )
        )
        return [
            each.subscription.group
            for each, lag in zip(self.consumers, lags, strict=True)
            if each.busy or any(lag.values())
        ]

    async def replay(self, letter: Row[Any]) -> None:
        """Handle or send a parked message again; raise NotFound where nobody here parked it."""
        consumer = f"andan.{self.name}.relay"
        if letter.consumer == consumer:
            async with self.store.work() as work:
                await dead_letters.send_again(work, letter)
            return
        for each in self.consumers:
            if each.subscription.group == letter.consumer:
                await each.replay(letter)
                return
        raise NotFound(f"nothing here consumes as {letter.consumer}")

    def _activity(self) -> int:
        handled = sum(sum(consumer.counts.values()) for consumer in self.consumers)
        done = sum(scheduler.done + scheduler.failed for scheduler in self.schedulers)
        return self.relay.sent + handled + done

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("service.task_ended", service=self.name, error=repr(error))

    async def _hear(self) -> None:
        """Start the broker, trying again while the bus is away.

        A new store is told everything again: its projecting groups begin at the beginning. So do
        the ledgers, of any store: it may be one from before what they tell.
        """
        assert self.broker is not None
        await self._until_bus_answers(self._begin_to_hear)
        await self._until_bus_answers(self._catch_up)
        self.is_up_to_ledger.set()

    async def _begin_to_hear(self) -> None:
        assert self.broker is not None
        if await self.store.is_new():
            for each in self.parts.subscriptions:
                if not each.acts:
                    await self.bus.rewind(each.group, each.topics)
            await self.store.settle()
        else:
            for each in self.ledgers:
                await self._rewind_ledger(each)
        await self.broker.start()

    async def _rewind_ledger(self, ledger: Subscription) -> None:
        """Have a ledger told again, unless another process keeps it that began with the same."""
        for _ in range(LEDGER_TRIES):
            with contextlib.suppress(GroupInUse):
                await self.bus.rewind(ledger.group, ledger.topics)
                return
            await asyncio.sleep(self._membership.session_seconds * LEDGER_PAUSE)
        log.info("service.ledger_in_use", service=self.name, group=ledger.group)

    async def _catch_up(self) -> None:
        for each in self.ledgers:
            while True:
                lag = await self.bus.lag(each.group, each.topics)
                if not any(lag.values()):
                    break
                await asyncio.sleep(LOOK_AT_LAG_SECONDS)

    async def _until_bus_answers(self, ask: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await ask()
                return
            except Exception as error:  # noqa: BLE001 -- whatever keeps the bus away, it is tried again
                log.warning("service.bus_away", service=self.name, error=repr(error))
                await asyncio.sleep(1)

    def _hears(self) -> bool:
        """Say whether something that acts is being heard at this moment."""
        return any(each.busy and each.subscription.acts for each in self.consumers)

    async def _lead(self) -> None:
        """Relay and do what is due for as long as this process leads its store."""
        if self.ledgers:
            await self.is_up_to_ledger.wait()
        leadership = Leadership(self.store)
        while True:
            async with leadership.hold() as lost:
                acting = [
                    asyncio.create_task(self.relay.run()),
                    *(asyncio.create_task(scheduler.run()) for scheduler in self.schedulers),
                ]
                ended = asyncio.create_task(lost.wait())
                try:
                    await asyncio.wait([*acting, ended], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await end([*acting, ended])

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            with contextlib.suppress(Exception):  # the store is away; the next round looks again
                show(self, self.metrics)
                for consumer in self.consumers:
                    await consumer.look_again()
                await sample(self, self.metrics)

    async def _clean(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # the store is away; the next round cleans
                await clean(self.store, datetime.now(UTC))
            await asyncio.sleep(CLEAN_EVERY_SECONDS)
