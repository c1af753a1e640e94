"""A gateway before several processes of one service: whom it asks, and what it asks again."""

import asyncio
import json

import httpx2
import pytest

from services.gateway.remote import Remote
from services.gateway.upstreams import OverHttp
from services.settings import ProcessSettings
from shared.http.problems import Unavailable
from shared.security.inner import InnerKey
from shared.testing.ports import free_port
from tests.several.upstream import Played, ask, head_of, played

pytestmark = pytest.mark.anyio


def counts(servers: list[Played]) -> list[int]:
    """Return how many requests each has had (the documents that the gateway fetches aside)."""
    return [sum(b"/v1/things" in each for each in server.requests) for server in servers]


async def test_requests_are_spread_over_the_addresses() -> None:
    """Of two idle processes each gets every second request."""
    async with played([], []) as servers:
        remote = Remote("things", [each.url for each in servers])
        assert [await ask(remote) for _ in range(10)] == [200] * 10
        assert counts(servers) == [5, 5]
        await remote.close()


async def test_a_busy_process_gets_fewer() -> None:
    """While one does not come to an end with its request, all others go to the other."""
    async with played(["wait"], []) as servers:
        remote = Remote("things", [each.url for each in servers])
        slow = asyncio.create_task(ask(remote))
        await asyncio.wait_for(servers[0].busy.wait(), 10)
        assert [await ask(remote) for _ in range(6)] == [200] * 6
        assert counts(servers) == [1, 6]
        servers[0].release.set()
        assert await slow == 200
        await remote.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_address_that_refuses_is_passed_over(method: str) -> None:
    """Nothing was sent there, so any request may go to the next; later it is tried again."""
    port = free_port()
    async with played([]) as servers:
        remote = Remote("things", [f"http://127.0.0.1:{port}", servers[0].url])
        assert [await ask(remote, method) for _ in range(4)] == [200] * 4
        back = Played(port)
        server = await asyncio.start_server(back.serve, "127.0.0.1", port)
        assert await ask(remote, method) == 200
        assert counts([back]) == [0], "it was asked before its second was over"
        await asyncio.sleep(1.1)
        assert await ask(remote, method) == 200
        assert counts([back]) == [1]
        server.close()
        await remote.close()


async def test_with_nobody_there_the_service_is_away() -> None:
    """A caller is told 503, and when to come back."""
    remote = Remote("things", [f"http://127.0.0.1:{free_port()}" for _ in range(2)])
    with pytest.raises(Unavailable) as refusal:
        await ask(remote, "POST")
    assert refusal.value.headers["Retry-After"] == "1"
    await remote.close()


@pytest.mark.parametrize(
    ("method", "key", "is_kept", "status"),
    [
        ("GET", None, False, 200),
        ("GET", None, True, 200),
        ("POST", None, False, 503),
        ("POST", None, True, 503),
        ("POST", "k", False, 503),
        ("POST", "k", True, 200),
    ],
)
async def test_a_request_whose_connection_broke(
    method: str, key: str | None, is_kept: bool, status: int
) -> None:
    """It goes once more, elsewhere, if it only reads, or has a key and broke on a kept connection;
    else nobody knows whether it was done, and nobody repeats it.
    """
    plan = ["answer", "break"] if is_kept else ["break"]
    async with played(plan, []) as servers:
        remote = Remote("things", [each.url for each in servers])
        if is_kept:
            assert [await ask(remote), await ask(remote)] == [200, 200]
        if status == 200:
            assert await ask(remote, method, key=key) == 200
        else:
            with pytest.raises(Unavailable):
                await ask(remote, method, key=key)
        assert counts(servers)[0] == (2 if is_kept else 1)
        assert counts(servers)[1] == is_kept + (status == 200)
        await remote.close()


async def test_a_request_is_repeated_once_only() -> None:
    """Where it breaks off twice it is told as away, though there were a third process."""
    async with played(["break"], ["break"], ["break"]) as servers:
        remote = Remote("things", [each.url for each in servers])
        with pytest.raises(Unavailable):
            await ask(remote)
        assert sum(counts(servers)) == 2
        await remote.close()


async def test_a_process_that_says_it_stops_gets_nothing_more() -> None:
    """Its answer closes the connection; the next requests go to the others for some seconds."""
    async with played(["leave"], []) as servers:
        remote = Remote("things", [each.url for each in servers])
        assert [await ask(remote, "POST") for _ in range(6)] == [200] * 6
        assert counts(servers) == [1, 5]
        await remote.close()


async def test_a_connection_that_was_closed_for_idleness_fails_nothing() -> None:
    """A POST without a key finds out before it is sent, and takes another connection."""
    async with played(["close"]) as servers:
        remote = Remote("things", [servers[0].url])
        assert await ask(remote, "POST") == 200
        await asyncio.sleep(0.05)
        assert await ask(remote, "POST") == 200
        assert counts(servers) == [2]
        await remote.close()


class Ready(Played):
    """One that answers how it is, too."""

    state: dict[str, object]
    status = 200

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer everything with the state."""
        while head := await head_of(reader):
            self.requests.append(head)
            body = json.dumps(self.state).encode()
            line = f"HTTP/1.1 {self.status} X\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(line.encode() + body)


async def test_every_process_is_asked_how_it_is() -> None:
    """One ready process makes the service ready; it is quiet only when all of them are."""
    twins = [Ready(free_port()) for _ in range(2)]
    servers = [await asyncio.start_server(each.serve, "127.0.0.1", each.port) for each in twins]
    upstream = OverHttp(Remote("things", [each.url for each in twins]), InnerKey(b"k" * 32))
    states = ((True, None), (False, "2023-01-02T08:00:00Z"))
    for twin, (is_quiet, due) in zip(twins, states, strict=True):
        twin.state = {"quiet": is_quiet, "activity": 3, "next_due": due, "reasons": []}
    state = await upstream.quiet()
    assert (state.is_quiet, state.activity) == (False, 6)
    assert state.next_due is not None
    twins[1].state["quiet"] = True
    assert (await upstream.quiet(closely=False)).is_quiet
    assert all(b"closely=false" in each.requests[-1] for each in twins)
    twins[0].status, twins[0].state = 503, {"reasons": {"bus": "no answer"}}
    assert await upstream.ready() is None
    twins[1].status = 503
    assert "bus no answer" in (await upstream.ready() or "")
    with pytest.raises(httpx2.HTTPError):
        await upstream.quiet()
    await upstream.close()
    for server in servers:
        server.close()


def test_addresses_are_told_one_or_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value of ANDAN_UPSTREAMS is an address, or a list of them."""
    monkeypatch.setenv("ANDAN_UPSTREAMS", '{"events": ["http://a", "http://b"], "web": "http://c"}')
    told = ProcessSettings().addresses(["events", "web", "booking"])
    assert told == {
        "events": ["http://a", "http://b"],
        "web": ["http://c"],
        "booking": ["http://booking:8000"],
    }
