"""When a process tells of its spans, what of a request it tells, and what an endpoint cannot do."""

import asyncio
import io
import json
import logging
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager

import httpx2
import pytest
from fastapi import APIRouter, FastAPI

from services.surveys.api import ballots
from services.surveys.api import router as surveys
from services.web.pages import ROUTERS
from services.web.pages.evaluations import router as evaluations
from shared.http.headers import Headers
from shared.observability import tracing as facade
from shared.observability.correlation import parse_traceparent, traceparent
from shared.observability.logs import configure_logs
from shared.observability.metrics import Metrics
from shared.observability.requests import RequestLine
from shared.observability.tracing import is_on, is_untraced, tracing
from shared.security.inner import VISITOR
from tests.failures.processes import ROOT
from tests.observability.collector import Collector, collecting

pytestmark = pytest.mark.anyio

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Have logs written where the test can read them."""
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure_logs(stream=stream, json_lines=True)
    yield stream
    configure_logs()
    root.handlers[:], root.level = before, level


@asynccontextmanager
async def gateway(*, begins_traces: bool = True) -> AsyncIterator[httpx2.AsyncClient]:
    """Run a small app behind the outer middlewares of every process."""
    app = FastAPI(telemetry={"tracing": False, "metrics": False})

    @app.get("/r/{token}")
    async def show(token: str) -> dict[str, str | None]:
        return {"traceparent": traceparent.get()}

    @app.get("/v1/surveys/{survey_id}")
    async def survey(survey_id: str) -> dict[str, str | None]:
        return {"traceparent": traceparent.get()}

    @app.get("/livez")
    async def live() -> None:
        return None

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("a secret")

    app.add_middleware(Headers)
    app.add_middleware(
        RequestLine,
        service="gateway",
        metrics=Metrics(with_process=False),
        begins_traces=begins_traces,
    )
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://andan") as client:
        yield client


@contextmanager
def silent_endpoint() -> Iterator[str]:
    """Listen on a port, and never answer."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_off_nothing_is_imported() -> None:
    """Without an endpoint a process has neither the SDK nor its exporter in memory."""
    told = (
        "import sys, services.commands.start\n"
        "from shared.observability.tracing import tracing\n"
        "with tracing(): pass\n"
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', "
        "'opentelemetry.exporter', 'opentelemetry.proto', 'google.protobuf', 'requests'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", told],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}, False),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
            False,
        ),
    ],
)
def test_the_standard_variables_turn_it_on(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: bool
) -> None:
    """An endpoint does, and nothing but an endpoint; it is off again afterwards."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with tracing():
        assert is_on() == expected
    assert not is_on()


async def test_a_request_is_told_by_its_template(collector: Collector) -> None:
    """Method, template and status; never the path, the query, a header or what went wrong."""
    with tracing():
        async with gateway() as client:
            answer = await client.get("/r/secret?q=secret", headers={"x-secret": "secret"})
            await client.get("/broken")
            await client.get("/secret/nowhere")
            await client.get("/livez")
    named, broken, lost = collector.spans
    assert (named.name, named.kind, named.service) == ("GET /r/{token}", "SERVER", "andan-gateway")
    assert named.attributes == {
        "http.request.method": "GET",
        "http.route": "/r/{token}",
        "http.response.status_code": 200,
    }
    inside = parse_traceparent(answer.json()["traceparent"])
    assert inside is not None
    assert (inside.trace_id, inside.parent_id, inside.flags) == (named.trace_id, named.id, "01")
    assert (broken.is_error, broken.attributes["http.response.status_code"]) == (True, 500)
    assert (lost.name, "http.route" in lost.attributes) == ("GET", False)
    assert b"secret" not in collector.raw


async def test_only_the_front_begins_a_trace(collector: Collector) -> None:
    """A service tells of a request that has a trace; so does the front of any other, unless one
    of our pages asks without a trace, on purpose.
    """
    with tracing():
        async with gateway(begins_traces=False) as client:
            await client.get("/r/1")
            await client.get("/r/1", headers={"traceparent": PARENT[:-2] + "00"})
            await client.get("/r/1", headers={"traceparent": PARENT})
        async with gateway() as client:
            await client.get("/r/1", headers={VISITOR: "x"})
            await client.get("/r/1", headers={VISITOR: "x", "traceparent": PARENT})
            await client.get("/r/1")
    parents = [(span.trace_id == PARENT[3:35], span.parent_id) for span in collector.spans]
    assert parents == [(True, PARENT[36:52]), (True, PARENT[36:52]), (False, "")]


async def test_the_standard_variables_choose_the_sample(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ratio of none tells of no new trace; whoever began one outside has decided himself."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    with tracing():
        async with gateway() as client:
            answer = await client.get("/r/1")
            await client.get("/r/1", headers={"traceparent": PARENT})
    assert [span.parent_id for span in collector.spans] == [PARENT[36:52]]
    assert answer.json()["traceparent"].endswith("-00")


async def test_a_service_has_the_name_it_is_given(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OTEL_SERVICE_NAME is for whoever runs it; the instance is told too."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "town-hall")
    monkeypatch.setenv("ANDAN_INSTANCE", "2")
    with tracing():
        async with gateway() as client:
            await client.get("/r/1")
    (span,) = collector.spans
    assert (span.service, span.resource["service.instance.id"]) == ("town-hall", "2")


def paths(router: APIRouter) -> list[str]:
    """Return the addresses of a router, in Swedish where they have a language."""
    found: list[str] = []
    for route in router.routes:
        if (inner := getattr(route, "original_router", None)) is not None:
            found += paths(inner)
        else:
            found.append(re.sub(r"\{lang(:\w+)?\}", "sv", str(getattr(route, "path", ""))))
    return found


@pytest.mark.parametrize("path", sorted({*paths(ballots), *paths(surveys), *paths(evaluations)}))
def test_every_address_of_surveys_and_quotes_is_untraced(path: str) -> None:
    """Those of the service and those of the pages, with and without a slash at the end."""
    assert is_untraced(path)
    assert is_untraced(path + "/")


def test_pages_about_other_things_are_traced() -> None:
    """A page is untraced only where it is about surveys or quotes."""
    found = {path for router in ROUTERS if router is not evaluations for path in paths(router)}
    assert len(found) > 40
    assert {path for path in found if is_untraced(path)} == {
        "/sv/desk/quotes",
        "/sv/desk/quotes/{quote_id}/approval",
        "/sv/desk/events/{event_id}/survey-closing",
    }
    assert not is_untraced("/v1/events/surveys")


@pytest.mark.parametrize("is_told", [True, False])
async def test_an_untraced_request_carries_nothing_on(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    """Whatever the caller sends, and whether spans are told of or not."""
    if not is_told:
        monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    with tracing():
        async with gateway() as client:
            for headers in ({}, {"traceparent": PARENT}):
                answer = await client.get("/v1/surveys/1", headers=headers)
                assert answer.json() == {"traceparent": None}
    assert collector.spans == []


@pytest.mark.parametrize("endpoint", ["refusing", "silent"])
async def test_an_endpoint_that_is_away_is_no_matter(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, endpoint: str
) -> None:
    """Three thousand requests are answered as ever, one line says so, and the process ends."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    with silent_endpoint() as address:
        if endpoint == "refusing":
            address = "http://127.0.0.1:9"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with tracing():
            async with gateway() as client:
                for _ in range(300):
                    assert (await client.get("/r/1")).status_code == 200
            for _ in range(3_000):
                step = facade.begin_request("x", "/", None, begins_trace=True)
                assert step is not None
                step.end()
            until = time.monotonic() + 30
            while "traces.away" not in stream.getvalue():
                assert time.monotonic() < until, stream.getvalue()[-2000:]
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)  # long enough for further batches to fail
            closing_at = time.monotonic()
        assert time.monotonic() - closing_at < 5
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    others = [line for line in lines if line["event"] != "request"]
    assert [line["event"] for line in others] == ["traces.away"]


def test_the_queue_is_bounded(
    monkeypatch: pytest.MonkeyPatch, collector: Collector, stream: io.StringIO
) -> None:
    """What does not fit is dropped, and only that; nobody waits, and nobody is told each time."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100")
    with silent_endpoint() as address:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with tracing():
            began = time.monotonic()
            for _ in range(5_000):
                step = facade.begin_request("x", "/", None, begins_trace=True)
                assert step is not None
                step.end()
            assert time.monotonic() - began < 10
            queue = facade._tracer._processor._batch_processor._queue  # type: ignore[union-attr]
            assert len(queue) <= 100
    assert "Queue full" not in stream.getvalue()


async def test_an_endpoint_that_comes_back_is_told_again(
    monkeypatch: pytest.MonkeyPatch, collector: Collector, stream: io.StringIO
) -> None:
    """One line says how many spans were lost meanwhile; what comes after arrives."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    from shared.observability.otlp import Telling

    results: list[object] = [SpanExportResult.FAILURE, OSError("away"), SpanExportResult.SUCCESS]

    class Endpoint(SpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            match results.pop(0):
                case OSError() as error:
                    raise error
                case SpanExportResult() as result:
                    return result
            raise AssertionError

    telling = Telling(Endpoint())
    for _ in range(3):
        telling.export([object(), object()])  # type: ignore[list-item]  # they are only counted
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line.get("lost")) for line in lines] == [
        ("traces.away", None),
        ("traces.back", 4),
    ]
