"""The checkers of outages find what they are for, and the proxy does what it says."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.failures.history import Attempt
from tests.failures.outages import Probe, floods, never_refused, only_statuses, refused_properly
from tests.failures.proxy import (
    Act,
    Fault,
    Proxy,
    cut_after_answer,
    cut_at_once,
    cut_before,
    cut_within,
    fall_silent,
    hold_back,
    is_anything,
)


def attempt(began_at: float, status: int | None) -> Attempt:
    """Return an attempt that was answered so, or not at all."""
    made = Attempt("i", "lend", began_at)
    if status is not None:
        made.end(status, {})
    return made


@pytest.mark.parametrize(
    ("status", "at", "wrong"),
    [(201, 5, 0), (409, 5, 0), (503, 5, 1), (500, 5, 1), (None, 5, 1), (503, 1, 0), (None, 10, 0)],
)
def test_a_request_that_failed_is_found(status: int | None, at: float, wrong: int) -> None:
    """Only what began between the two instants counts, and a domain's no is an answer."""
    assert len(never_refused([attempt(at, status)], since=2, until=9)) == wrong


@pytest.mark.parametrize(
    ("probe", "word"),
    [
        (Probe("/", 0, 0.1, 200), None),
        (Probe("/", 0, 0.1, 503, "1"), None),
        (Probe("/", 0, 0.1, 503), "rude"),
        (Probe("/", 0, 0.1, 503, "soon"), "rude"),
        (Probe("/", 0, 0.1, 500), "rude"),
        (Probe("/", 0, 0.1, 504), "rude"),
        (Probe("/", 0, 0.1, None), "rude"),
        (Probe("/", 0, 50.0, 200), "slow"),
    ],
)
def test_a_refusal_that_is_none_is_found(probe: Probe, word: str | None) -> None:
    """A refusal is a 503 that says when to come again, in time."""
    found = refused_properly([probe])
    assert [each.split(":")[0] for each in found] == ([word] if word else [])


def test_a_status_that_nobody_should_see_is_found() -> None:
    """What is neither served nor 503 nor cut is told with its number."""
    history = [attempt(0, each) for each in (201, 503, None, 500, 500, 401)]
    assert only_statuses(history, 201) == [
        "rude: 2 requests were answered 500",
        "rude: 1 requests were answered 401",
    ]


def test_a_flood_in_a_log_is_found() -> None:
    """Lines of traffic do not count, tracebacks do."""
    line = {"event": "relay.failed", "timestamp": "2026-11-24T16:00:00.5Z"}
    many = "\n".join([json.dumps(line)] * 301)
    assert not floods({"events": "\n".join([json.dumps(line)] * 300)})
    assert not floods({"events": many.replace("relay.failed", "request")})
    assert floods({"events": many}) == ["flood: events wrote 301 lines in 10 s"]
    assert floods({"events": "Traceback\n" * 301}) == ["flood: events wrote 301 lines in 10 s"]


@asynccontextmanager
async def shouting() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Run a server that answers everything in capitals, and keeps what it heard."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(1 << 16):
                heard.append(chunk)
                writer.write(chunk.upper())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], heard


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("act", "answer", "served"),
    [
        (cut_before, b"", [b""]),
        (cut_after_answer, b"", [b"commit"]),
        (cut_at_once, b"", [b"commit", b""]),
        (cut_within(random.Random(1)), b"", [b"commit"[:n] for n in range(6)]),
        (hold_back(0.2), b"COMMIT", [b"commit"]),
        (fall_silent(0.2), b"", [b""]),
    ],
)
async def test_the_proxy_does_as_told(act: Act, answer: bytes, served: list[bytes]) -> None:
    """The client gets this answer or a cut connection, the server all, some or none of it."""
    async with shouting() as (port, heard):
        with Proxy(port) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(b"first")
            assert await reader.read(100) == b"FIRST"
            fault = proxy.arm(Fault("fault", is_anything, act))
            writer.write(b"commit")
            try:
                async with asyncio.timeout(10):
                    found = await reader.read(100)
            except ConnectionError:
                found = b""
            assert found == answer
            assert fault.struck.result(1).startswith("fault")
            await asyncio.sleep(0.05)
            assert b"".join(heard).removeprefix(b"first") in served
            writer.close()
