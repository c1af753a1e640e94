"""What is written, and above all what is not."""

import io
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import structlog
from fastapi import APIRouter, FastAPI

from shared.http.headers import Headers
from shared.http.problems import install_problems
from shared.observability.correlation import causation_id
from shared.observability.logs import RateLimit, message_line
from shared.observability.metrics import Metrics
from shared.observability.requests import RequestLine


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(with_process=False)


@pytest.fixture
async def client(metrics: Metrics) -> AsyncIterator[httpx2.AsyncClient]:
    router = APIRouter(prefix="/links")

    @router.get("/{token}")
    async def follow_link(token: str) -> dict[str, str]:
        return {"ok": "yes"}

    @router.get("/{token}/broken")
    async def break_link(token: str) -> None:
        raise ValueError(f"{token} of eva@example.org")

    app = FastAPI()
    install_problems(app)
    app.include_router(router, prefix="/v1")

    @app.get("/livez")
    async def livez() -> None:
        return None

    app.add_middleware(Headers)
    app.add_middleware(RequestLine, service="events", metrics=metrics)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://andan") as client:
        yield client


@pytest.mark.anyio
async def test_a_request_is_one_line(client: httpx2.AsyncClient, stream: io.StringIO) -> None:
    """The line has the route's template, never the path, the query or a header."""
    headers = {"x-request-id": "r-1", "authorization": "Bearer sesame"}
    await client.get("/v1/links/link_sesame?email=eva@example.org", headers=headers)
    (line,) = lines(stream)
    assert line["event"] == "request"
    assert (line["service"], line["method"], line["status"]) == ("events", "GET", 200)
    assert (line["route"], line["request_id"]) == ("/v1/links/{token}", "r-1")
    assert line["duration_ms"] > 0
    assert len(line["trace_id"]) == 32
    assert line["timestamp"].endswith("Z")
    assert "sesame" not in stream.getvalue()
    assert "eva" not in stream.getvalue()


@pytest.mark.anyio
async def test_an_error_is_told_without_its_words(
    client: httpx2.AsyncClient, stream: io.StringIO
) -> None:
    """Type and place of an error are written, its message is not: it may quote a person."""
    answer = await client.get("/v1/links/link_sesame/broken", headers={"x-request-id": "r-2"})
    assert answer.status_code == 500
    (line,) = lines(stream)
    assert (line["error"], line["status"], line["request_id"]) == ("ValueError", 500, "r-2")
    assert any("break_link" in frame for frame in line["frames"])
    assert "sesame" not in stream.getvalue()
    assert "eva" not in stream.getvalue()


@pytest.mark.anyio
async def test_an_unknown_path_is_not_written(
    client: httpx2.AsyncClient, stream: io.StringIO, metrics: Metrics
) -> None:
    """What nobody answers has no template: neither log nor label grows by what is asked."""
    for number in range(20):
        await client.request(f"ODD{number}", f"/eva@example.org/{number}")
    assert {line["route"] for line in lines(stream)} == {"unmatched"}
    assert {line["method"] for line in lines(stream)} == {"OTHER"}
    assert len(metrics._requests) == 1


@pytest.mark.anyio
async def test_probes_are_counted_but_not_told(
    client: httpx2.AsyncClient, stream: io.StringIO, metrics: Metrics
) -> None:
    """A probe every second would drown the rest."""
    await client.get("/livez")
    assert not lines(stream)
    labels = {"service": "events", "method": "GET", "route": "/livez", "status": "200"}
    assert metrics.registry.get_sample_value("andan_http_request_seconds_count", labels) == 1


def test_a_message_is_one_line_with_its_cause(stream: io.StringIO) -> None:
    """A message's line says who handled what with which outcome, and what caused it."""
    token = causation_id.set("m-0")
    message_line(
        consumer="notifications.letters",
        topic="andan.events.registration.v1",
        type="se.andan.events.registration.confirmed.v1",
        message_id="m-1",
        outcome="parked",
        duration_ms=1.23456,
        attempt=3,
        error=ValueError("eva@example.org"),
    )
    causation_id.reset(token)
    (line,) = lines(stream)
    assert line["event"] == "message"
    assert (line["message_id"], line["causation_id"], line["level"]) == ("m-1", "m-0", "warning")
    assert (line["outcome"], line["attempt"], line["duration_ms"]) == ("parked", 3, 1.235)
    assert line["error"] == "ValueError"
    assert "eva" not in stream.getvalue()


def test_library_logs_go_the_same_way_without_their_exceptions_words(stream: io.StringIO) -> None:
    """A library's record becomes the same kind of line; its exception is named, not quoted."""
    try:
        try:
            raise KeyError("eva@example.org")
        except KeyError as error:
            raise RuntimeError("Key (email)=(eva@example.org) exists") from error
    except RuntimeError:
        logging.getLogger("sqlalchemy.pool").exception("it broke: %s", "here")
    (line,) = lines(stream)
    assert (line["event"], line["logger"]) == ("it broke: here", "sqlalchemy.pool")
    assert (line["error"], line["causes"]) == ("RuntimeError", ["KeyError"])
    assert "eva" not in stream.getvalue()


def test_the_servers_access_log_is_off(stream: io.StringIO) -> None:
    """The server's own lines about requests carry paths and queries: none is written."""
    logging.getLogger("uvicorn.access").info('"GET /links/link_sesame HTTP/1.1" 200')
    logging.getLogger("uvicorn.error").info("started")
    assert [line["event"] for line in lines(stream)] == ["started"]


def test_line_ends_cannot_forge_a_line(stream: io.StringIO) -> None:
    """Whatever a value holds, one event is one line."""
    structlog.get_logger("x").info("a", value='b\n{"event": "forged"}\r\u2028')
    assert len(stream.getvalue().splitlines()) >= 1
    assert stream.getvalue().count("\n") == 1


def test_a_broken_broker_is_told_ten_times_a_minute(stream: io.StringIO) -> None:
    """Records of one wording from the Kafka client are limited, those of others are not."""
    for number in range(500):
        logging.getLogger("aiokafka.producer").error("no leader for %s", number)
        logging.getLogger("andan.relay").error("no leader for %s", number)
    told = [line["logger"] for line in lines(stream)]
    assert told.count("aiokafka.producer") == 10
    assert told.count("andan.relay") == 500


def test_after_a_minute_it_says_how_many_were_left_out() -> None:
    """The first record of the next minute counts what the last one hid."""
    now = [0.0]
    limit = RateLimit(per_minute=2, seconds=lambda: now[0])

    def record() -> logging.LogRecord:
        return logging.LogRecord("aiokafka", logging.ERROR, "", 0, "no leader", None, None)

    assert [limit.filter(record()) for _ in range(5)] == [True, True, False, False, False]
    now[0] = 61.0
    after = record()
    assert limit.filter(after)
    assert after.__dict__["left_out"] == 3
