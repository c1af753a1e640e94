"""Garbage at the door is a 4xx problem that says what is wrong, whatever it is made of."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from shared.security.api_keys import new_api_key
from tests.gateway.house import MODES, House, house

pytestmark = pytest.mark.anyio

Pairs = list[tuple[bytes, bytes]]


async def call(
    it: House,
    method: str = "GET",
    path: str = "/v1/rooms",
    headers: Iterable[tuple[bytes, bytes]] = (),
    body: Iterable[bytes] = (b"",),
    query: bytes = b"",
) -> tuple[int, dict[bytes, bytes], Any]:
    """Call the gateway as a server would, with headers and pieces that no client would send."""
    pieces = list(body)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0) if pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    await it.gateway.app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("utf-8", "replace"),
            "root_path": "",
            "query_string": query,
            "headers": [(b"host", b"andan"), *headers],
            "client": ("192.0.2.7", 1),
            "server": ("andan", 80),
        },
        receive,
        send,
    )
    content = b"".join(part.get("body", b"") for part in sent[1:])
    told = dict(sent[0]["headers"])
    is_json = b"json" in told.get(b"content-type", b"")
    return sent[0]["status"], told, json.loads(content) if is_json else content


def problem(found: tuple[int, dict[bytes, bytes], Any], status: int) -> None:
    """Hold an answer to the form of a problem document."""
    assert found[0] == status, found
    assert found[1][b"content-type"] == b"application/problem+json"
    assert found[2]["status"] == status
    assert b"x-request-id" in found[1]


BAD_CREDENTIALS: list[list[bytes]] = [
    [b""],
    [b"Bearer"],
    [b"Bearer "],
    [b"Basic YTpi"],
    [b"Bearer a b"],
    [b"Bearer andan_x_y"],
    [b"Bearer " + str(new_api_key()).encode()],
    [b"Bearer " + str(new_api_key()).encode() + b"\x00"],
    [b"Bearer " + str(new_api_key()).encode() + b", Bearer x"],
    [b"Bearer " + b"x" * 100_000],
    [b"Bearer link_" + b"x" * 300],
    [b"Bearer link_\xc3\xa5"],
    [b"Bearer link_"],
    [b"Bearer \xff\xfe"],
    [b"Bearer eyJhbGciOiJub25lIn0.e30."],
    [b"Bearer {'$ne': null}"],
    [b"Bearer andan_" + b"a" * 12 + b"_" + b"'; DROP TABLE api_key; --".ljust(43, b"x")],
    [b"Bearer link_a.b", b"Bearer link_a.b"],
    [b"", b"Bearer link_a.b"],
]


async def test_bad_credentials_are_a_401(tmp_path: Path) -> None:
    """Whatever is no key or link is refused with WWW-Authenticate, on public addresses too."""
    async with house(tmp_path, rate_public_a_minute=1_000) as it:
        good = await it.key()
        for values in [*BAD_CREDENTIALS, [f"Bearer {good}".encode()] * 2]:
            headers = [(b"authorization", value) for value in values]
            for path in ("/v1/rooms", "/v1/api-keys", "/v1/nothing"):
                found = await call(it, path=path, headers=headers)
                problem(found, 401)
                assert found[1][b"www-authenticate"].startswith(b"Bearer"), values
        lenient = await call(it, headers=[(b"authorization", f"bearer  {good}".encode())])
        assert lenient[0] == 200, "the word Bearer is read in any case"


@pytest.mark.parametrize("mode", MODES)
async def test_bad_headers_and_bodies_are_refused(mode: str, tmp_path: Path) -> None:
    """Sizes, media types and bytes that cannot be read are told apart by their status."""
    as_json = (b"content-type", b"application/json")
    cases: list[tuple[int, Pairs, list[bytes], bytes]] = [
        (422, [as_json], [b"{}"], b""),
        (422, [as_json], [b'{"text": "a\\u0000b"}'], b""),
        (422, [as_json], [b'{"text": "\\ud800"}'], b""),
        (422, [as_json], [b'{"text": 7}'], b""),
        (422, [as_json], [b'{"text": "a", "more": 1}'], b""),
        (422, [as_json], [b'{"text": "' + b"x" * 5_000 + b'"}'], b""),
        (422, [as_json], [b"[]"], b""),
        (422, [as_json], [b'{"text": "a"}'], b"unknown=1"),
        (400, [as_json], [b"{"], b""),
        (400, [as_json], [b"\xff\xfe{}"], b""),
        (400, [as_json], [b"[" * 5_000], b""),
        (415, [(b"content-type", b"text/plain"), (b"content-length", b"2")], [b"{}"], b""),
        (415, [(b"content-length", b"2")], [b"{}"], b""),
        (413, [as_json, (b"transfer-encoding", b"chunked")], [b"x" * 20_000] * 4, b""),
        (413, [as_json, (b"content-length", b"70000")], [b"x"], b""),
        (413, [as_json, (b"content-length", b"9" * 30)], [b"x"], b""),
        (413, [as_json], [b"{}"], b"q=" + b"x" * 5_000),
        (422, [as_json, (b"content-length", b"-1")], [b"{}"], b""),
        (422, [as_json, (b"idempotency-key", b"x" * 256)], [b'{"text": "a"}'], b""),
        (422, [as_json, (b"idempotency-key", b"\x01")], [b'{"text": "a"}'], b""),
    ]
    async with house(tmp_path, mode) as it:
        key = (b"authorization", f"Bearer {await it.key()}".encode())
        for status, headers, body, query in cases:
            found = await call(it, "POST", "/v1/bookings", [key, *headers], body, query)
            assert found[0] == status, (status, headers, body[0][:40], found)
            problem(found, status)


@pytest.mark.parametrize("mode", MODES)
async def test_strange_ids_and_traces_are_replaced(mode: str, tmp_path: Path) -> None:
    """A request id or trace that is not well formed is made anew, never echoed."""
    strange = [b"", b"a b", b"x" * 65, b"a\r\nset-cookie: x", b"\xff", b"'\"<script>"]
    async with house(tmp_path, mode) as it:
        for value in strange:
            headers = [(b"x-request-id", value), (b"traceparent", value)]
            found = await call(it, headers=headers)
            assert found[0] == 200
            assert found[1][b"x-request-id"] != value
            assert len(found[1][b"x-request-id"]) == 36


@pytest.mark.parametrize("mode", MODES)
async def test_odd_methods_and_paths_are_problems(mode: str, tmp_path: Path) -> None:
    """Unknown methods are 405, paths of any bytes 404: never a trace, never HTML."""
    paths = [
        "/v1/rooms\x00",
        "/v1/\ud800",
        "/v1/rooms/\x1b[2J",
        "/\N{SNOWMAN}",
        "",
        "*",
        "v1/rooms",
    ]
    async with house(tmp_path, mode) as it:
        for method in ("BREW", "TRACE", "CONNECT", "PROPFIND"):
            problem(await call(it, method, "/v1/rooms"), 405)
            problem(await call(it, method, "/v1/api-info"), 405)
        for path in paths:
            problem(await call(it, path=path), 404)
