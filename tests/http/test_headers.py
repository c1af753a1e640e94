"""What every answer carries, and the three addresses of those who run a process."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from shared.http.headers import Headers
from shared.http.health import health_router
from shared.http.problems import install_problems
from shared.observability.correlation import Trace, parse_traceparent, request_id, traceparent
from shared.observability.metrics import Metrics

pytestmark = pytest.mark.anyio
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Parts:
    """The parts of a process, which a test breaks."""

    store: str | None = None
    hangs: bool = False
    raises: bool = False

    async def check_store(self) -> str | None:
        return self.store

    async def check_bus(self) -> str | None:
        if self.raises:
            raise ConnectionError("postgresql://user:secret@db")
        if self.hangs:
            await asyncio.Event().wait()
        return None


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    install_problems(app)
    metrics = Metrics()
    metrics.bookings.labels("confirmed").inc()
    checks = {"store": parts.check_store, "bus": parts.check_bus}
    app.include_router(health_router(checks, metrics.registry))

    @app.get("/ids")
    async def show_ids() -> dict[str, str | None]:
        return {"request_id": request_id.get(), "traceparent": traceparent.get()}

    @app.get("/page")
    async def show_page() -> HTMLResponse:
        return HTMLResponse("", headers={"Content-Security-Policy": "default-src 'none'"})

    @app.get("/half")
    async def show_half() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"a"
            raise RuntimeError("the source ended")

        return StreamingResponse(pieces())

    app.add_middleware(Headers)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://andan") as client:
        yield client


@pytest.mark.parametrize("given", ["r-1", "A.b_c-9", "x" * 64])
async def test_a_request_id_is_kept(client: httpx2.AsyncClient, given: str) -> None:
    """A harmless id of the caller goes through the request and back."""
    answer = await client.get("/ids", headers={"x-request-id": given})
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", " ", "a b", "x" * 65, "a\x1b", "å", '"', "<x>"])
async def test_a_strange_request_id_is_replaced(client: httpx2.AsyncClient, given: str) -> None:
    """What could confuse a log is not taken over; the answer carries a new id."""
    answer = await client.get("/ids", headers=[(b"x-request-id", given.encode())])
    made = answer.headers["x-request-id"]
    assert made != given
    assert len(made) == 36
    assert answer.json()["request_id"] == made


async def test_a_trace_goes_on(client: httpx2.AsyncClient) -> None:
    """A traceparent keeps its trace and flags and gets a new parent."""
    answer = await client.get("/ids", headers={"traceparent": TRACE})
    inside = parse_traceparent(answer.json()["traceparent"])
    assert inside is not None
    assert (inside.trace_id, inside.flags) == (TRACE[3:35], "01")
    assert inside.parent_id != TRACE[36:52]


@pytest.mark.parametrize("given", ["", "x", "00-" + "0" * 32 + TRACE[35:], TRACE.upper(), "å"])
async def test_a_bad_trace_is_begun_anew(client: httpx2.AsyncClient, given: str) -> None:
    """Without a valid traceparent every request begins its own trace."""
    answer = await client.get("/ids", headers=[(b"traceparent", given.encode())])
    inside = parse_traceparent(answer.json()["traceparent"])
    assert isinstance(inside, Trace)
    assert inside.trace_id != TRACE[3:35]


async def test_ids_end_with_their_request(client: httpx2.AsyncClient) -> None:
    """After an answer nothing of the request is left in the context."""
    await client.get("/ids")
    assert (request_id.get(), traceparent.get()) == (None, None)


@pytest.mark.parametrize("path", ["/ids", "/nowhere", "/ids?" + "x" * 5_000])
async def test_security_headers_are_on_every_answer(client: httpx2.AsyncClient, path: str) -> None:
    """Good and bad answers alike carry them."""
    headers = (await client.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_a_page_may_say_its_own_policy(client: httpx2.AsyncClient) -> None:
    """A header that an answer brings is left as it is, once."""
    headers = (await client.get("/page")).headers
    assert headers.get_list("content-security-policy") == ["default-src 'none'"]


async def test_an_answer_that_breaks_off_is_not_made_to_look_whole(
    client: httpx2.AsyncClient,
) -> None:
    """An error after the first byte reaches the server, which cuts the connection."""
    with pytest.raises(RuntimeError, match="the source ended"):
        await client.get("/half")


@pytest.mark.parametrize(
    ("length", "status"), [(b"-1", 422), (b"x", 422), (b"1" * 5_000, 413), (b"65537", 413)]
)
async def test_an_odd_content_length_is_refused(length: bytes, status: int) -> None:
    """The header is looked at before anything is read."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("must not be reached")

    async def receive() -> Message:
        raise AssertionError("must not be read")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(b"content-length", length)],
    }
    await Headers(app)(scope, receive, send)
    assert sent[0]["status"] == status


@pytest.mark.parametrize(("path", "status"), [("/sv/mine", 204), ("/v1/mine", 413)])
async def test_a_page_takes_more_than_the_api(path: str, status: int) -> None:
    """What people type into a form may be far too long, so that a page can say so."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert len((await receive())["body"]) == 1_000_000
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 1_000_000, "more_body": False}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-length", b"1000000")]
    asked = {"method": "POST", "path": path, "query_string": b"", "headers": headers}
    within = Headers(app, is_page=lambda each: each.startswith("/sv/"))
    await within({"type": "http", **asked}, receive, send)
    assert sent[0]["status"] == status


async def test_a_whole_process_is_alive_and_ready(client: httpx2.AsyncClient) -> None:
    """Both probes answer 200 while everything works."""
    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200


async def test_a_broken_part_is_named_without_its_secrets(
    client: httpx2.AsyncClient, parts: Parts
) -> None:
    """Not ready is a 503 problem with a reason for each part; alive it is nonetheless."""
    parts.store, parts.raises = "disk full", True
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/unavailable"
    assert answer.json()["reasons"] == {"store": "disk full", "bus": "ConnectionError"}
    assert "secret" not in answer.text
    assert (await client.get("/livez")).status_code == 200


async def test_a_hanging_part_is_not_waited_for(
    client: httpx2.AsyncClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that gives no answer counts as a reason after its time."""
    monkeypatch.setattr("shared.http.health._PATIENCE_SECONDS", 0.05)
    parts.hangs = True
    answer = await client.get("/readyz")
    assert "no answer" in answer.json()["reasons"]["bus"]


async def test_metrics_are_told(client: httpx2.AsyncClient) -> None:
    """The process's registry is written in Prometheus's format."""
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'andan_bookings_total{status="confirmed"} 1.0' in answer.text
