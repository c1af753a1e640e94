"""The pages in a process of their own: the gateway over HTTP, and over HTTP to the gateway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.types import Message, Scope

from services.gateway.remote import Remote
from services.settings import ProcessSettings
from services.topology import Pages, one_service
from services.web.neighbours import Away, OverHttp
from shared.testing.ports import free_port
from tests.web.house import START, Opened
from tests.web.started import SOURCE

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _served(app: Any, port: int) -> AsyncIterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, lifespan="off", log_config=None, access_log=False)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def apart(house: Opened, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The address of pages that reach the house's gateway by HTTP, with the same keys."""
    async with _served(house.house.front.app, free_port()) as gateway:
        monkeypatch.setenv("ANDAN_GATEWAY", gateway)
        pages = one_service(
            "web", ProcessSettings(data=house.folder, replay_from=START, source=SOURCE)
        )
        assert isinstance(pages, Pages)
        await pages.start()
        async with _served(pages.front.app, free_port()) as address:
            yield address
        await pages.stop()


async def test_a_page_shows_what_the_gateway_answers(house: Opened, apart: str) -> None:
    """Reading, a form and a refusal go over HTTP as they do inside one process."""
    async with httpx2.AsyncClient(base_url=apart) as browser:
        listed = await browser.get("/sv/events")
        assert "Barnens Karta" in listed.text
        assert (await browser.get("/sv/events/nobody")).status_code == 404
        assert (await browser.get("/readyz")).json() == {"status": "ready"}
        assert (await browser.get("/internal/quiet")).status_code == 401


async def test_the_gateway_passes_a_page_on_as_it_was_asked_for(house: Opened, apart: str) -> None:
    """Who does not take gzip does not get it because the gateway's own client would."""
    remote = Remote("web", apart)
    try:
        for asked, coded in (([], False), ([(b"accept-encoding", b"gzip")], True)):
            scope: Scope = {
                "type": "http",
                "method": "GET",
                "path": "/sv/data",
                "query_string": b"",
                "headers": asked,
            }
            sent: list[Message] = []

            async def receive() -> Message:
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Message, into: list[Message] = sent) -> None:
                into.append(message)

            await remote.forward(scope, receive, send, asked)
            assert sent[0]["status"] == 200
            assert ((b"content-encoding", b"gzip") in sent[0]["headers"]) is coded
    finally:
        await remote.close()


async def test_a_gateway_that_does_not_answer_is_away() -> None:
    """Nothing at the address, or nothing within the time, is told as away."""
    nobody = OverHttp(f"http://127.0.0.1:{free_port()}", 1)
    silent = await asyncio.start_server(lambda *_: asyncio.sleep(5), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    mute = OverHttp(f"http://127.0.0.1:{port}", 0.2)
    try:
        for caller in (nobody, mute):
            with pytest.raises(Away):
                await caller.ask("GET", "/v1/events", [], b"")
    finally:
        await nobody.close()
        await mute.close()
        silent.close()
