"""Requests reach the service they are meant for, cleaned, in either mode alike."""

import asyncio
from pathlib import Path

import pytest

from shared.security.inner import HEADER, InnerKey
from shared.security.keyring import Keyring
from shared.security.principal import SCOPES, Principal
from tests.gateway.house import MODES, house

PATHS = (
    "/internal/quiet",
    "/internal/dead-letters",
    "/Internal/quiet",
    "//internal/quiet",
    "/v1/../internal/quiet",
    "/v1/bookings/../../internal/quiet",
    "/v1/bookings/%2e%2e/%2e%2e/internal/quiet",
    "/v1/bookings/..%2f..%2finternal%2fquiet",
    "/v1/bookings%2f..%2f..%2finternal/quiet",
    "/v1//internal/quiet",
    "/%2finternal/quiet",
    "/v1/bookings/..%5c..%5cinternal%5cquiet",
    "/internal%2fquiet",
    "/v1/./bookings/b1",
    "/v1/bookings/b1/",
    "/v1/bookings/b1%00",
    "/v1/bookings/%ff%fe",
    "/v1/bookings/b1%0d%0aX: y",
    "/v1/surveys",
    "/v1/nothing",
    "/v2/bookings/b1",
    "/bookings/b1",
)


pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("mode", MODES)]


async def test_a_request_travels_with_who_is_calling(mode: str, tmp_path: Path) -> None:
    """The service sees the key's holder, scopes and organisation, and never the credentials."""
    async with house(tmp_path, mode) as it:
        key = await it.key("booking:read", organisation_id="o1")
        async with it.client(key, **{"X-Request-Id": "mine-1"}) as client:
            answer = await client.get("/v1/bookings/b1?x=", headers={"Cookie": "a=b"})
            assert answer.status_code == 422, "an unknown parameter reaches the service's check"
            hops = {"TE": "trailers", "Proxy-Authorization": "x", "Upgrade": "h2c"}
            answer = await client.get("/v1/bookings/b1", headers=hops)
    told = answer.json()
    if mode == "distributed":
        assert not {"te", "proxy-authorization", "upgrade"} & set(told["headers"])
    assert (told["kind"], told["scopes"], told["organisation_id"]) == (
        "key",
        ["booking:read"],
        "o1",
    )
    assert told["who"] == key.split("_")[1]
    assert "authorization" not in told["headers"]
    assert answer.headers.get_list("x-request-id") == ["mine-1"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


async def test_nobody_outside_speaks_as_the_gateway(mode: str, tmp_path: Path) -> None:
    """A header that claims to be the inner token is dropped, however well it is signed."""
    everything = Principal(kind="key", id="thief", scopes=frozenset(SCOPES))
    async with house(tmp_path, mode) as it:
        forged = InnerKey(b"some other secret of thirty-two b").mint(everything)
        stolen = Keyring.open(tmp_path / "keys").inner_key().mint(everything)
        for token in (forged, stolen, "nonsense"):
            async with it.client(**{HEADER: token}) as client:
                told = (await client.get("/v1/bookings/b1")).json()
                assert told["kind"] == "public"
                assert (await client.post("/v1/bookings", json={"text": "x"})).status_code == 401
                assert (await client.get("/v1/api-keys")).status_code == 401


async def test_a_links_token_is_passed_on_unread(mode: str, tmp_path: Path) -> None:
    """The holder of a link is a principal whose token only the service reads."""
    async with house(tmp_path, mode) as it, it.client("link_r1.c2lnbmF0dXJl") as client:
        told = (await client.get("/v1/bookings/b1")).json()
        again = (await client.get("/v1/bookings/b1")).json()
    assert (told["kind"], told["link_token"]) == ("link", "link_r1.c2lnbmF0dXJl")
    assert told["who"] == again["who"] != "link_r1.c2lnbmF0dXJl"


async def test_no_path_leads_inside(mode: str, tmp_path: Path) -> None:
    """Whatever is not a public address is a 404 problem, with every scope in hand."""
    async with house(tmp_path, mode) as it:
        key = await it.key()
        found = {path: await _call(it.gateway.app, "GET", path.encode(), key) for path in PATHS}
    for path, (status, headers, _) in found.items():
        told = (status, headers[b"content-type"])
        assert told == (404, b"application/problem+json"), path


async def _call(app, method: str, raw: bytes, key: str):  # type: ignore[no-untyped-def]  # ASGI by hand
    """Call an app as a server does that leaves the path as it came (no client normalises it)."""
    from urllib.parse import unquote_to_bytes

    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
            "raw_path": raw,
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"andan"), (b"authorization", f"Bearer {key}".encode())],
            "client": ("192.0.2.7", 1),
            "server": ("andan", 80),
        },
        receive,
        send,
    )
    body = b"".join(part.get("body", b"") for part in sent)  # type: ignore[misc]  # bytes
    return sent[0]["status"], dict(sent[0]["headers"]), body  # type: ignore[call-overload]  # pairs


async def test_answers_come_back_as_they_are(mode: str, tmp_path: Path) -> None:
    """Bodies are taken, pieces streamed, wrong methods and failures told by the service itself."""
    async with house(tmp_path, mode) as it:
        key = await it.key("booking:write")
        async with it.client(key) as client:
            made = await client.post("/v1/bookings", json={"text": "hej"})
            assert (made.status_code, made.json()["text"]) == (201, "hej")
            again = {"Idempotency-Key": "k1"}
            first = await client.post("/v1/bookings", json={"text": "a"}, headers=again)
            second = await client.post("/v1/bookings", json={"text": "a"}, headers=again)
            assert (second.headers["idempotent-replayed"], second.json()) == ("true", first.json())
            assert (await client.get("/v1/venues")).text == "0;1;2;"
            wrong = await client.delete("/v1/bookings/b1")
            assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
            failed = await client.get("/v1/free-rooms")
            assert failed.status_code == 500
            assert "person" not in failed.text
            assert failed.json()["type"] == "/problems/internal"


async def test_the_line_of_a_request_names_the_route(mode: str, tmp_path: Path) -> None:
    """Metrics and logs know the template of the service's route, never the path."""
    async with house(tmp_path, mode) as it, it.client() as client:
        for _ in range(50):  # in the first moments another process's routes are not known yet
            await client.get("/v1/bookings/secret-id")
            told = (await client.get("/metrics")).text
            lines = [line for line in told.splitlines() if 'service="gateway"' in line]
            if any('route="/v1/bookings/{booking_id}"' in line for line in lines):
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail(told)
    assert "secret-id" not in told


async def test_a_service_that_is_away_is_said_to_be(mode: str, tmp_path: Path) -> None:
    """A stopped service makes the gateway unready; one that is late is a 504."""
    async with house(tmp_path, mode, upstream_seconds=0.2) as it, it.client() as client:
        for _ in range(50):
            ready = await client.get("/readyz")
            if ready.status_code == 200:
                break
            await asyncio.sleep(0.02)
        assert ready.status_code == 200, ready.text
        if mode == "distributed":
            late = await client.get("/v1/rooms?seconds=1")
            assert (late.status_code, late.json()["type"]) == (504, "/problems/upstream-timeout")
        await it.behind.stop()
        unready = await client.get("/readyz")
        assert unready.status_code == 503
        assert "booking" in unready.json()["reasons"]
        assert (await client.get("/livez")).status_code == 200
