"""Gauges that are looked up now and then: what is unsent, unread, waiting and overdue."""

import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.observability.metrics import Metrics
from shared.store.plumbing import due, outbox, waiting

if TYPE_CHECKING:
    from shared.service import Service


LONGEST_WAIT_SECONDS = 600
"""A message that has waited longer for another is worth an alarm."""

log = structlog.get_logger()


Gauge = Callable[[AsyncSession, Metrics, datetime], Awaitable[None]]
"""Sets a gauge of one service's own, from what its store holds and the time of its clock."""


def show(service: "Service", metrics: Metrics) -> None:
    """Set the gauges of one service that need no answer from its store or the bus."""
    name, store = service.name, service.store
    metrics.store_leader.labels(name).set(store.is_leader)
    if store.dialect == "sqlite":
        disk = shutil.disk_usage(Path(store.engines.writer.url.database or "").parent)
        metrics.disk_free_ratio.labels(name).set(disk.free / disk.total)
    if service.broker is not None:
        for group, age in service.broker.poll_ages().items():
            metrics.last_poll_age_seconds.labels(group.removeprefix("andan.")).set(age)


async def sample(service: "Service", metrics: Metrics) -> None:
    """Set the gauges of one service from its store and its consumers' lag."""
    name = service.name
    async with service.store.read() as reader:
        unsent = outbox.c.sent_at.is_(None)
        depth, oldest = (
            await reader.execute(
                select(func.count(), func.min(outbox.c.at, type_=outbox.c.at.type)).where(unsent)
            )
        ).one()
        rows, next_at = (
            await reader.execute(select(func.count(), func.min(due.c.at, type_=due.c.at.type)))
        ).one()
        counted = await reader.execute(
            select(
                waiting.c.consumer,
                func.count(),
                func.min(waiting.c.since, type_=waiting.c.since.type),
            ).group_by(waiting.c.consumer)
        )
        waits = {consumer: (count, since) for consumer, count, since in counted}
        for gauge in service.parts.gauges:
            await gauge(reader, metrics, service.clock.now())
    metrics.outbox_depth.labels(name).set(depth)
    metrics.outbox_oldest_seconds.labels(name).set(_age(oldest, datetime.now(UTC)))
    metrics.due_rows.labels(name).set(rows)
    metrics.due_overdue_seconds.labels(name).set(_age(next_at, service.clock.now()))
    for consumer in service.consumers:
        group = consumer.subscription.group
        short = group.removeprefix("andan.")
        count, since = waits.get(group, (0, None))
        metrics.waiting_messages.labels(short).set(count)
        age = _age(since, datetime.now(UTC))
        metrics.waiting_oldest_seconds.labels(short).set(age)
        if age > LONGEST_WAIT_SECONDS:
            log.error("messages.wait_too_long", consumer=short, messages=count, seconds=round(age))
        lag = await service.bus.lag(group, consumer.subscription.topics)
        for topic, behind in lag.items():
            metrics.consumer_lag.labels(short, topic).set(behind)


def _age(at: datetime | None, now: datetime) -> float:
    return 0.0 if at is None else max(0.0, (now - at).total_seconds())
