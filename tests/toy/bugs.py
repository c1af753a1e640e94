"""Bugs planted into the toys' process, so that a campaign can prove that it would find them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Row

from shared.http.work import UnkeyedWorkRoute, store_of
from shared.messaging import inbox
from shared.messaging.appender import OutboxRecord
from shared.messaging.broker import Bus
from shared.messaging.relay import Relay
from shared.service import Service
from shared.store.leader import Leadership
from shared.store.work import Work, decode_headers
from tests.toy.lender.service import TakePlace, lend, take_place

PAUSE_SECONDS = 0.03
"""How long a window stands open that a sound process does not have."""

URL = "/shelves/{shelf_id}/loans"
_kept: set[asyncio.Task[None]] = set()


class MarksFirst(Relay):
    """A relay that marks its rows as sent before it sends them."""

    async def relay_once(self) -> int:
        """Mark, and only then send."""
        rows = await self._unsent()
        await self._mark([row.seq for row in rows])
        await asyncio.sleep(PAUSE_SECONDS * 10)
        if rows:
            appender = await self._open_appender(self._store.service)
            await appender.append(
                [OutboxRecord(r.topic, r.key, r.body, decode_headers(r.headers)) for r in rows]
            )
        return len(rows)


class Backwards(Relay):
    """A relay that sends the latest row first."""

    async def _unsent(self) -> list[Row[Any]]:
        return list(reversed(await super()._unsent()))


def _relay(kind: type[Relay]) -> Callable[[Sequence[Service], Bus], None]:
    def plant(services: Sequence[Service], bus: Bus) -> None:
        for service in services:
            service.relay = kind(service.store, bus.appender)

    return plant


class MarksLate(Relay):
    """A sound relay that takes its time between sending and marking: much is sent again."""

    async def _mark(self, seqs: list[int]) -> None:
        await asyncio.sleep(PAUSE_SECONDS * 15)
        await super()._mark(seqs)


def _forget_what_was_taken(services: Sequence[Service], bus: Bus) -> None:
    """Take each message as new, seen before or not."""
    _relay(MarksLate)(services, bus)
    sound = inbox.take

    async def take(work: Work, consumer: str, ids: Sequence[str]) -> set[str]:
        await sound(work, consumer, ids)
        return set(ids)

    inbox.take = take


def _take_apart(_: Sequence[Service], __: Bus) -> None:
    """Commit the inbox rows before the effects, in a transaction of their own."""
    sound = inbox.take

    async def take(work: Work, consumer: str, ids: Sequence[str]) -> set[str]:
        async with work.store.work() as apart:
            new = await sound(apart, consumer, ids)
        await asyncio.sleep(PAUSE_SECONDS * 2)
        return new

    inbox.take = take


def _answer_first(services: Sequence[Service], _: Bus) -> None:
    """Answer, and only then commit."""
    router = APIRouter()

    @router.post(URL, status_code=201)
    async def lend_soon(shelf_id: str, body: TakePlace, request: Request) -> dict[str, str | int]:
        work = store_of(request).begin()
        try:
            loan = await take_place(work, shelf_id, body)
        except BaseException:
            await work.abandon()
            raise
        task = asyncio.create_task(_finish(work))
        _kept.add(task)
        task.add_done_callback(_kept.discard)
        return {"id": loan.id, "place": loan.place}

    _replace_route(services, router)


async def _finish(work: Work) -> None:
    await asyncio.sleep(PAUSE_SECONDS)
    await work.finish()


def _ignore_keys(services: Sequence[Service], _: Bus) -> None:
    """Take no notice of an Idempotency-Key."""
    router = APIRouter(route_class=UnkeyedWorkRoute)
    router.add_api_route(URL, lend, methods=["POST"], status_code=201)
    _replace_route(services, router)


def _replace_route(services: Sequence[Service], router: APIRouter) -> None:
    for service in services:
        if service.name == "lender":
            service.app.include_router(router)
            service.app.router.routes.insert(0, service.app.router.routes.pop())


def _let_everybody_lead(_: Sequence[Service], __: Bus) -> None:
    """Relay without asking who leads."""

    @asynccontextmanager
    async def hold(self: Leadership) -> AsyncIterator[asyncio.Event]:
        yield asyncio.Event()

    Leadership.hold = hold  # type: ignore[method-assign]  # that is the bug


BUGS: dict[str, Callable[[Sequence[Service], Bus], None]] = {
    "marks-first": _relay(MarksFirst),
    "backwards": _relay(Backwards),
    "forgets-what-was-taken": _forget_what_was_taken,
    "takes-apart": _take_apart,
    "answers-first": _answer_first,
    "ignores-keys": _ignore_keys,
    "everybody-leads": _let_everybody_lead,
}
"""Each planted bug by its name: a function that plants it into the services of a process."""
