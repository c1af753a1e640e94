"""A gateway before toy services, in one process or with the services at addresses of their own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
import uvicorn
from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import StreamingResponse

from services.gateway.app import create_service
from services.gateway.handlers import MakeApiKey, make_api_key
from services.gateway.settings import Settings
from shared.clock import Clock, SystemClock
from shared.contracts.topics import TOPICS
from shared.http.body import Body, Id, Name
from shared.http.work import WorkDep, api_router
from shared.messaging.broker import EmbeddedBus
from shared.messaging.embedded.log import EmbeddedLog
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.security.permissions import PrincipalDep, require
from shared.security.principal import SCOPES
from shared.service import Parts, Service
from shared.settings import ServiceSettings
from shared.store import Work
from shared.store.scheduler import Due

LENDER = Path(__file__).parents[1] / "toy" / "lender"
START = datetime(2023, 1, 2, 8, tzinfo=UTC)
MODES = ("embedded", "distributed")

router = api_router("toy")


class Note(Body):
    """A body of one field."""

    text: Name


@router.get("/v1/bookings/{booking_id}")
async def show_booking(booking_id: Id, request: Request, principal: PrincipalDep) -> dict[str, Any]:
    """Say what arrived here."""
    return {
        "id": booking_id,
        "kind": principal.kind,
        "who": principal.id,
        "scopes": sorted(principal.scopes),
        "organisation_id": principal.organisation_id,
        "link_token": principal.link_token,
        "headers": sorted(name.decode("latin-1") for name, _ in request.scope["headers"]),
        "query": request.url.query,
    }


@router.post("/v1/bookings", status_code=201, dependencies=[Depends(require("booking:write"))])
async def make_booking(body: Note, work: WorkDep) -> dict[str, str]:
    """Take a body."""
    return {"text": body.text, "at": work.now.isoformat()}


@router.get("/v1/rooms")
async def list_rooms(
    seconds: Annotated[float, Field(ge=0, le=5)] = 0,
) -> dict[str, list[str]]:
    """Answer everybody, perhaps late."""
    await asyncio.sleep(seconds)
    return {"items": []}


@router.get("/v1/venues")
async def stream_venues() -> StreamingResponse:
    """Answer in pieces."""

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield f"{number};".encode()
            await asyncio.sleep(0.01)

    return StreamingResponse(pieces(), media_type="text/plain")


@router.get("/v1/free-rooms")
async def break_down() -> None:
    """Fail as no route should."""
    raise RuntimeError("the words of a person")


@router.post("/v1/venues/{days}/visits", status_code=204)
async def put_off(days: int, work: WorkDep) -> None:
    """Have something done in so many days."""
    await work.later("toll", f"{days}", work.now + timedelta(days=days))


tolls: list[tuple[str, datetime]] = []
"""What was done later, and when it was by the clock."""


async def toll(work: Work, due: Due) -> None:
    """Note the hour."""
    tolls.append((due.key, work.now))


def toy_parts(*routers: APIRouter) -> Parts:
    """Return the parts of a service that stands where booking will."""
    return Parts(name="booking", migrations=LENDER, routers=routers, tasks={"toll": toll})


@dataclass
class Outside:
    """The world before a running gateway."""

    gateway: Service

    def client(self, key: str | None = None, **headers: str) -> httpx2.AsyncClient:
        """Return a client as somebody outside would have one."""
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.gateway.app, client=("192.0.2.7", 1)),
            base_url="http://andan",
            headers=headers,
        )

    @asynccontextmanager
    async def holder(self, *scopes: str) -> AsyncIterator[httpx2.AsyncClient]:
        """Give the client of somebody with a new key of these scopes."""
        async with self.client(await self.key(*scopes)) as client:
            yield client

    async def key(self, *scopes: str, **values: Any) -> str:
        """Make a key with these scopes (all, where none is named)."""
        command = MakeApiKey(
            name="test",
            scopes=list(scopes or SCOPES),
            organisation_id=values.get("organisation_id"),
            expires_at=values.get("expires_at"),
        )
        async with self.gateway.store.work() as work:
            _, key = await make_api_key(work, command)
        return str(key)


@dataclass
class House(Outside):
    """A gateway that runs, and what stands behind it."""

    behind: Service
    folder: Path


@asynccontextmanager
async def house(
    folder: Path, mode: str = "embedded", *, clock: Clock | None = None, **options: Any
) -> AsyncIterator[House]:
    """Start a toy booking and the gateway before it; stop both at the end."""
    keyring = Keyring.open(folder / "keys")
    bus = EmbeddedBus(EmbeddedLog(folder / "log.sqlite"))
    clock = clock or SystemClock()
    metrics = Metrics(with_process=False)
    common = {"data": folder, "source": "https://test.example"}
    behind = Service(
        toy_parts(router),
        settings=ServiceSettings.model_validate(common),
        clock=clock,
        bus=bus,
        inner_key=keyring.inner_key(),
        metrics=metrics if mode == "embedded" else Metrics(with_process=False),
        behind_gateway=mode == "embedded",
    )
    async with AsyncExitStack() as stack:
        await bus.start()
        stack.push_async_callback(bus.stop)
        await bus.declare(list(TOPICS.values()))
        where: dict[str, Mapping[str, Any]] = {"services": {"booking": behind}}
        if mode == "distributed":
            address = await stack.enter_async_context(served(behind))
            where = {"addresses": {"booking": address}}
        settings = Settings.model_validate(common | options)
        gateway = create_service(settings, clock, bus, keyring, metrics, **where)
        for service in (behind, gateway):
            await service.start()
            stack.push_async_callback(service.stop)
        yield House(gateway, behind, folder)


@asynccontextmanager
async def served(service: Service) -> AsyncIterator[str]:
    """Serve a service's app on a free port of this machine; give its address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        config = uvicorn.Config(service.app, lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[taken]))
        try:
            while not server.started:
                await asyncio.sleep(0.005)
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
