"""A receiver of OTLP over HTTP: keeps every span that a process under test sends."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as TheirSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Span:
    """A span as it was received; ids in hexadecimal, times in nanoseconds."""

    service: str
    name: str
    kind: str
    trace_id: str
    id: str
    parent_id: str
    began: int
    ended: int
    is_error: bool
    attributes: Mapping[str, Any]
    links: tuple[tuple[str, str], ...]
    resource: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.service}: {self.kind} {self.name} {dict(self.attributes)}"


@dataclass
class Collector:
    """What has been received so far."""

    port: int = 0
    spans: list[Span] = field(default_factory=list)
    raw: bytes = b""
    """Every byte of every request, to look for what must not be there."""

    @property
    def environment(self) -> dict[str, str]:
        """Return what a process is told so that it sends its spans here, soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }

    def of_trace(self, trace_id: str) -> list[Span]:
        """Return the spans of a trace, in the order of their beginning."""
        found = [span for span in list(self.spans) if span.trace_id == trace_id]
        return sorted(found, key=lambda span: span.began)

    def until(self, found: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
        """Wait until something is found among the spans; return it."""
        until = time.monotonic() + seconds
        while not (result := found()):
            assert time.monotonic() < until, "\n".join(map(str, self.spans[-60:]))
            time.sleep(0.02)
        return result

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        request = ExportTraceServiceRequest.FromString(body)
        for group in request.resource_spans:
            resource = _values(group.resource.attributes)
            for scope in group.scope_spans:
                self.spans += [_span(resource, span) for span in scope.spans]
        self.raw += body


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a receiver on a free port of this machine."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.path == "/v1/traces", self.path
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _span(resource: Mapping[str, Any], span: TheirSpan) -> Span:
    return Span(
        service=str(resource["service.name"]),
        name=span.name,
        kind=TheirSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        is_error=span.status.code == Status.STATUS_CODE_ERROR,
        attributes=_values(span.attributes),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        resource=resource,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
