"""The feed streamed, through a real server: live, resumed, bounded, and ended in time."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import fastapi.routing
import httpx2
import pytest

from services.gateway.app import create_service
from services.gateway.feed import streams
from services.gateway.feed.bell import Bell
from services.gateway.handlers import RevokeApiKey, revoke_api_key
from services.gateway.settings import Settings
from shared.contracts.booking import VisitsCounted
from shared.contracts.events import RegistrationConfirmed
from shared.testing.fixtures import DIALECTS
from shared.testing.running import Running, running
from tests.bench.servers import server
from tests.gateway.house import Outside, served
from tests.gateway.said import full

pytestmark = pytest.mark.anyio
MakeUrl = Callable[[str], Awaitable[str]]
PATH = "/v1/messages/stream"


class Stream:
    """What a client reads of a stream: events as (id, message), and how many comments."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self.comments = 0
        self._lines = answer.aiter_lines()

    async def next(self, seconds: float = 5) -> tuple[str, Any]:
        """Return the next event that has data."""
        async with asyncio.timeout(seconds):
            event: dict[str, str] = {}
            async for line in self._lines:
                if not line:
                    if "data" in event:
                        return event["id"], json.loads(event["data"])
                    event = {}
                elif line.startswith(":"):
                    self.comments += 1
                else:
                    name, _, value = line.partition(": ")
                    event[name] = value
        raise EOFError("the stream has ended")


class Served:
    """A gateway at an address of its own."""

    def __init__(self, it: Running, address: str) -> None:
        self.it = it
        self.address = address

    @asynccontextmanager
    async def stream(
        self, key: str, last: str | None = None, **params: str
    ) -> AsyncIterator[Stream]:
        """Open a stream with a key."""
        headers = {"Authorization": f"Bearer {key}"}
        if last is not None:
            headers["Last-Event-ID"] = last
        async with (
            httpx2.AsyncClient(base_url=self.address, headers=headers, timeout=10) as client,
            client.stream("GET", PATH, params=params) as answer,
        ):
            yield Stream(answer)

    async def key(self, *scopes: str) -> str:
        """Make a key."""
        return await Outside(self.it.service).key(*scopes)


@asynccontextmanager
async def gateway(
    make_url: MakeUrl, folder: Path, dialect: str = "sqlite", **options: Any
) -> AsyncIterator[Served]:
    """Run a gateway alone behind a real server."""
    async with (
        running(
            create_service, make_url, folder, dialect=dialect, settings_class=Settings, **options
        ) as it,
        served(it.service) as address,
    ):
        yield Served(it, address)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_stream_goes_on_where_it_was_cut(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """What is there comes first, then what is said; Last-Event-ID takes up after a restart."""
    url = await make_url(dialect)

    async def same(_: str) -> str:
        return url

    async with gateway(same, tmp_path, dialect) as house:
        ids = await house.it.hear(full(VisitsCounted, visits=1), full(VisitsCounted, visits=2))
        await house.it.quiet()
        key = await house.key()
        async with house.stream(key) as stream:
            assert stream.answer.headers["content-type"].startswith("text/event-stream")
            assert stream.answer.headers["cache-control"] == "no-cache"
            assert [(await stream.next())[1]["id"] for _ in range(2)] == ids
            began = asyncio.get_running_loop().time()
            ids += await house.it.hear(full(VisitsCounted, visits=3))
            last, message = await stream.next()
            assert asyncio.get_running_loop().time() - began < streams.LOOK_EVERY_SECONDS
            assert (message["id"], message["data"]["visits"]) == (ids[2], 3)
    async with gateway(same, tmp_path, dialect) as house:
        ids += await house.it.hear(full(VisitsCounted, visits=4))
        async with house.stream(key, last) as stream:
            assert (await stream.next())[1]["id"] == ids[3]
        async with house.stream(key, after=last) as stream:
            assert (await stream.next())[1]["id"] == ids[3]


async def test_a_stream_from_now_on(make_url: MakeUrl, tmp_path: Path) -> None:
    """`after=now` leaves the past out, and `types` all else; the cursor fits the pull too."""
    confirmed = full(RegistrationConfirmed)
    async with gateway(make_url, tmp_path) as house:
        await house.it.hear(confirmed)
        await house.it.quiet()
        key = await house.key("messages:read:events", "messages:read:booking")
        async with house.stream(key, after="now", types=confirmed.type) as stream:
            [_, said] = await house.it.hear(full(VisitsCounted), confirmed)
            last, message = await stream.next()
            assert message["id"] == said
        await house.it.quiet()
        async with Outside(house.it.service).client(key) as client:
            page = (await client.get("/v1/messages", params={"after": last})).json()
        assert said not in str(page)


async def test_another_processs_commit_is_seen(make_url: MakeUrl, tmp_path: Path) -> None:
    """A row that rings no bell here is pushed at the next look, within about a second."""
    async with gateway(make_url, tmp_path) as house:
        key = await house.key()
        async with house.stream(key) as stream:
            house.it.service.store.need(Bell).ring = lambda: None  # type: ignore[method-assign]  # as in another process
            [said] = await house.it.hear(full(VisitsCounted))
            assert (await stream.next(3))[1]["id"] == said


async def test_silence_is_broken(
    make_url: MakeUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comment is sent now and then, so that nobody between takes the line for dead."""
    monkeypatch.setattr(fastapi.routing, "_PING_INTERVAL", 0.05)
    async with gateway(make_url, tmp_path) as house, house.stream(await house.key()) as stream:
        with pytest.raises(TimeoutError):
            await stream.next(0.4)
        assert stream.comments >= 3


async def test_a_key_holds_so_many_streams(make_url: MakeUrl, tmp_path: Path) -> None:
    """One more is a 429; a closed one makes room, and another key has its own."""
    async with gateway(make_url, tmp_path, streams_per_key=2, streams_at_once=3) as house:
        key, other = await house.key(), await house.key()
        async with house.stream(key) as first, house.stream(key) as second:
            assert first.answer.status_code == second.answer.status_code == 200
            async with house.stream(key) as third:
                assert third.answer.status_code == 429
                assert int(third.answer.headers["retry-after"]) > 0
            async with house.stream(other) as fourth:
                assert fourth.answer.status_code == 200
                async with house.stream(other) as fifth:
                    assert fifth.answer.status_code == 503
        held = house.it.service.app.state.streams
        async with asyncio.timeout(3):
            while held.open:
                await asyncio.sleep(0.01)
        async with house.stream(key) as again:
            assert again.answer.status_code == 200


async def test_a_revoked_key_hears_no_more(make_url: MakeUrl, tmp_path: Path) -> None:
    """A stream ends soon after its key was revoked, though nothing is said meanwhile."""
    async with gateway(make_url, tmp_path, stream_proof_seconds=0.1) as house:
        key, other = await house.key(), await house.key()
        async with house.stream(key) as stream, house.stream(other) as theirs:
            async with house.it.service.store.work() as work:
                await revoke_api_key(work, RevokeApiKey(key.split("_")[1], None))
            with pytest.raises(EOFError):
                await stream.next(5)
            [said] = await house.it.hear(full(VisitsCounted))
            assert (await theirs.next())[1]["id"] == said


async def test_streams_end_when_the_process_drains(make_url: MakeUrl, tmp_path: Path) -> None:
    """Draining ends every stream at once and lets no other in; it does not wait for a time-out."""
    async with gateway(make_url, tmp_path) as house:
        key = await house.key()
        async with house.stream(key) as stream:
            house.it.service.drain()
            with pytest.raises(EOFError):
                await stream.next(2)
        async with house.stream(key) as refused:
            assert refused.answer.status_code == 503


async def test_a_slow_reader_holds_nothing(make_url: MakeUrl, tmp_path: Path) -> None:
    """While a reader takes nothing, the feed grows past it; then it gets all of it in order."""
    async with gateway(make_url, tmp_path) as house:
        key = await house.key()
        many = [full(VisitsCounted, visits=number) for number in range(3_000)]
        async with house.stream(key) as stream:
            await house.it.hear(*many)
            await house.it.quiet()
            pool = house.it.service.store.engines.reader.pool
            async with asyncio.timeout(3):
                while pool.checkedout():  # type: ignore[attr-defined]  # a queue pool has it
                    await asyncio.sleep(0.01)
            seen = [(await stream.next())[1]["data"]["visits"] for _ in many]
        assert seen == list(range(3_000))


async def test_a_long_way_past_others_messages_is_remembered(
    make_url: MakeUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who hears nothing of a long feed is told its place, so that he need not begin again."""
    monkeypatch.setattr(streams, "WINDOW", 20)
    async with gateway(make_url, tmp_path) as house:
        key = await house.key()
        async with house.stream(key, types=RegistrationConfirmed.type) as stream:
            await house.it.hear(*[full(VisitsCounted)] * 50)
            async with asyncio.timeout(5):
                async for line in stream.answer.aiter_lines():
                    if line.startswith("id: "):
                        break
        place = line.removeprefix("id: ")
        await house.it.quiet()
        async with Outside(house.it.service).client(key) as client:
            page = (await client.get("/v1/messages", params={"after": place})).json()
        assert len(page["items"]) <= 30


async def test_a_process_that_is_told_to_stop_lets_go_of_its_streams(tmp_path: Path) -> None:
    """SIGTERM ends an idle stream and then the process, long before the drain's time-out."""
    with server("services", ready="/readyz", environment={"ANDAN_DATA": str(tmp_path)}) as child:
        key = (tmp_path / "admin-key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as client,
            client.stream("GET", f"http://127.0.0.1:{child.port}{PATH}") as answer,
        ):
            lines = answer.aiter_lines()
            assert (await anext(lines)).startswith(":")
            child.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(5):
                async for _ in lines:
                    pass
        assert await asyncio.to_thread(child.process.wait, 10) == 0
