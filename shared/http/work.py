"""A unit of work per writing request, committed before the answer leaves, once per key."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Row, bindparam, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.http.paging import known_parameters
from shared.http.problems import (
    IdempotencyKeyReused,
    InvalidRequest,
    Problem,
    QueueFull,
    RequestInFlight,
    Unavailable,
)
from shared.security.permissions import current_principal
from shared.store.away import sqlstate, store_is_away
from shared.store.hot import Hot
from shared.store.plumbing import idempotency
from shared.store.store import Store
from shared.store.work import Reader, Work, shielded

KEPT = timedelta(hours=24)
LONGEST_KEY = 255
_KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key, caller and body have one effect and one answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}
_TRIES = 3
_TRY_AGAIN = {"40001", "40P01"}  # serialization failure, deadlock
_NO_LOCK = "55P03"
_STORE_ERRORS = (DBAPIError, PoolTimeout, ConnectionError, TimeoutError)

_KEEP = Hot(
    text(
        "INSERT INTO idempotency (caller, key, fingerprint, status, location, body, at)"
        " VALUES (:caller, :key, :fingerprint, :status, :location, :body, :at)"
        " ON CONFLICT (caller, key) DO UPDATE SET fingerprint = excluded.fingerprint,"
        " status = excluded.status, location = excluded.location, body = excluded.body,"
        " at = excluded.at WHERE idempotency.at < :too_old"
    ).bindparams(
        bindparam("too_old", type_=idempotency.c.at.type),
        *(bindparam(column.name, type_=column.type) for column in idempotency.c),
    )
)
"""Keeps an answer; touches no row where one is kept that is not too old."""

Handle = Callable[[Request], Coroutine[Any, Any, Response]]


async def current_work(request: Request) -> Work:
    """Return the request's unit of work; its route commits it."""
    work: Work = request.scope["andan.work"]
    return work


async def reading(request: Request) -> AsyncIterator[Reader]:
    """Yield a query-only session that is given back before the answer leaves."""
    async with store_of(request).read() as reader:
        yield reader


WorkDep = Annotated[Work, Depends(current_work)]
ReaderDep = Annotated[Reader, Depends(reading, scope="function")]


def store_of(request: Request) -> Store:
    """Return the store of the service that answers."""
    store: Store = request.app.state.store
    return store


class WorkRoute(APIRoute):
    """A route that commits what its endpoint did before the answer leaves, or answers an error.

    With an Idempotency-Key, the answer is kept for 24 hours in the same transaction: the same
    key, caller and body get the same answer again, without any effect. A twin that comes while
    the first is being handled waits for it (the database's own lock makes it) and is answered
    alike.
    """

    is_idempotent = True

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if self.is_idempotent and "POST" in (self.methods or ()):
            self.openapi_extra = _telling_of_keys(self.openapi_extra or {})

    def get_route_handler(self) -> Handle:
        """Return the handler, in a unit of work where the method writes."""
        handle = _of_known_parameters(super().get_route_handler())
        if not self.methods or self.methods <= {"GET", "HEAD"}:
            return _answering_for_the_store(handle)

        async def handle_in_work(request: Request) -> Response:
            key = await self._key(request)
            for tries_left in reversed(range(_TRIES)):
                try:
                    return await shielded(_in_work(handle, request, key))
                except _STORE_ERRORS as error:
                    if not (tries_left and _may_try_again(error, key)):
                        raise _as_problem(error) from error
            raise AssertionError("the last try answers or raises")

        return handle_in_work

    async def _key(self, request: Request) -> _Key | None:
        if not self.is_idempotent or "POST" not in (self.methods or ()):
            return None
        text = request.headers.get("idempotency-key")
        if text is None:
            return None
        if not 0 < len(text) <= LONGEST_KEY or not text.isprintable():
            raise InvalidRequest(
                f"An Idempotency-Key has 1 to {LONGEST_KEY} printable characters.",
                [{"pointer": "Idempotency-Key", "message": "too long, empty or not printable"}],
            )
        caller = (await current_principal(request)).id
        digest = hashlib.sha256(f"{request.method} {request.url.path}\n".encode())
        digest.update(await request.body())
        return _Key(caller, text, digest.hexdigest())


def api_router(tag: str, *, idempotent: bool = True) -> APIRouter:
    """Return a router whose writing routes are units of work; `tag` groups them in the document.

    `idempotent=False` is for routes where a kept key would tie a caller to what was sent.
    """
    return APIRouter(tags=[tag], route_class=WorkRoute if idempotent else UnkeyedWorkRoute)


class UnkeyedWorkRoute(WorkRoute):
    """A route that is a unit of work and takes no notice of an Idempotency-Key."""

    is_idempotent = False


def _telling_of_keys(extra: dict[str, Any]) -> dict[str, Any]:
    """Return what a route's document says beside its signature, with its Idempotency-Key."""
    parameters = extra.get("parameters", [])
    return (
        extra if _KEY_HEADER in parameters else {**extra, "parameters": [*parameters, _KEY_HEADER]}
    )


class _Key:
    """A caller's Idempotency-Key and what it was sent with."""

    def __init__(self, caller: str, key: str, fingerprint: str) -> None:
        self.caller = caller
        self.key = key
        self.fingerprint = fingerprint

    async def earlier_answer(self, store: Store) -> Response | None:
        """Return the answer given before, None if there is none; refuse another request's key."""
        statement = select(idempotency).where(
            idempotency.c.caller == self.caller, idempotency.c.key == self.key
        )
        async with store.read() as reader:
            row = (await reader.execute(statement)).first()
        if row is None or row.at < datetime.now(UTC) - KEPT:
            return None
        if row.fingerprint != self.fingerprint:
            raise IdempotencyKeyReused("This Idempotency-Key came with another request before.")
        return _replayed(row)

    async def remember(self, work: Work, response: Response) -> bool:
        """Keep the answer in the transaction of its effect; False where one is kept already."""
        values = {
            "caller": self.caller,
            "key": self.key,
            "fingerprint": self.fingerprint,
            "status": response.status_code,
            "location": response.headers.get("location"),
            "body": bytes(response.body),
            "at": datetime.now(UTC),
            "too_old": datetime.now(UTC) - KEPT,
        }
        return await _KEEP.execute(work, values) == 1


async def _in_work(handle: Handle, request: Request, key: _Key | None) -> Response:
    """Handle the request once: only where its key stands in the way is the kept answer looked up.

    A new key is the rule, so nothing is asked beforehand: what a repeated request did is rolled
    back when its answer turns out to be kept.
    """
    store = store_of(request)
    work = store.begin()
    request.scope["andan.work"] = work
    try:
        response = await handle(request)
        done = response.status_code < 400
        if done and (key is None or await key.remember(work, response)):
            await work.finish()
            return response
        await work.abandon()
        if key is None or not done:
            return response
        if (earlier := await key.earlier_answer(store)) is not None:
            return earlier
        raise RequestInFlight("Its answer is about to be kept; ask again.")
    except (Problem, IntegrityError):
        await work.abandon()
        # What is in the way may be the effect of the same request, answered before.
        if key is not None and (earlier := await key.earlier_answer(store)) is not None:
            return earlier
        raise
    except BaseException:
        await work.abandon()
        raise


def _replayed(row: Row[Any]) -> Response:
    headers = {"Idempotent-Replayed": "true"}
    if row.location:
        headers["Location"] = row.location
    return Response(row.body, row.status, headers, media_type="application/json")


def _may_try_again(error: Exception, key: _Key | None) -> bool:
    """Say whether the database only asks for another try (or a twin has just answered)."""
    if isinstance(error, IntegrityError) and key is not None and "idempotency" in str(error.orig):
        return True
    return sqlstate(error) in _TRY_AGAIN


def _of_known_parameters(handle: Handle) -> Handle:
    """Return the handler for requests whose query holds nothing but what the route declares."""

    async def handle_known(request: Request) -> Response:
        await known_parameters(request)
        return await handle(request)

    return handle_known


def _answering_for_the_store(handle: Handle) -> Handle:
    """Return the handler of a reading route, with a store that is away told as a problem."""

    async def handle_reading(request: Request) -> Response:
        try:
            return await handle(request)
        except _STORE_ERRORS as error:
            raise _as_problem(error) from error

    return handle_reading


def _as_problem(error: Exception) -> Exception:
    if isinstance(error, PoolTimeout) or sqlstate(error) == _NO_LOCK:
        return QueueFull("Too much is going on at once; nothing was done.")
    if store_is_away(error) or isinstance(error, TimeoutError):
        return Unavailable("The store does not answer.", reasons=["store"])
    return error
