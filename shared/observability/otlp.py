"""OpenTelemetry's SDK behind the steps: one exporter per process, one resource per service.

Imported only where an endpoint is set.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Tracer as TheirTracer

from shared.observability.correlation import Trace, parse_traceparent
from shared.observability.tracing import Kind, Step, Value

CLOSE_SECONDS: Final = 2.0
_KINDS: Final = {kind.name: kind for kind in SpanKind}
_NOISY: Final = ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal", "urllib3")
_NO_PARENT: Final = Context()

log = structlog.get_logger()


class OtlpTracer:
    """Begins spans and has them sent from a thread of its own.

    What does not fit into the queue is dropped: nothing waits for the endpoint, and nothing fails
    for it.
    """

    def __init__(self) -> None:
        for name in _NOISY:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # Telling says it, once
        self._is_named = bool(os.environ.get("OTEL_SERVICE_NAME"))
        self._instance = os.environ.get("ANDAN_INSTANCE") or "1"
        self._processor = BatchSpanProcessor(Telling(OTLPSpanExporter()))
        self._tracers: dict[str, TheirTracer] = {}

    def step(
        self,
        service: str,
        name: str,
        kind: Kind,
        parent: str | None,
        *,
        attributes: Mapping[str, Value] | None = None,
        since: datetime | None = None,
        link: str | None = None,
    ) -> Step | None:
        """Begin a span; whatever the sampler, none under a parent that was not sampled."""
        context = _NO_PARENT
        links: tuple[Link, ...] = ()
        if parent is not None:
            if (given := _context(parent)) is None or not given.trace_flags.sampled:
                return None
            context = set_span_in_context(NonRecordingSpan(given), _NO_PARENT)
        if link is not None and (linked := _context(link)) is not None:
            links = (Link(linked),)
        span = self._tracer(service).start_span(
            name,
            context,
            _KINDS[kind],
            attributes,
            links,
            None if since is None else int(since.timestamp() * 1_000_000) * 1_000,
            record_exception=False,
            set_status_on_exception=False,
        )
        return OtlpStep(span) if span.is_recording() else None

    def close(self) -> None:
        """Send what is left, as long as that takes no more than two seconds."""
        closing = threading.Thread(target=self._processor.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)

    def _tracer(self, service: str) -> TheirTracer:
        if service not in self._tracers:
            provider = TracerProvider(resource=self._resource(service), shutdown_on_exit=False)
            provider.add_span_processor(self._processor)
            self._tracers[service] = provider.get_tracer(f"andan.{service}")
        return self._tracers[service]

    def _resource(self, service: str) -> Resource:
        """Return what is told of the service; whoever runs it may name it otherwise."""
        told = {"service.instance.id": self._instance}
        if not self._is_named:
            told["service.name"] = f"andan-{service}"
        return Resource.create(told)


class OtlpStep:
    """A span of the SDK; see Step."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: Span) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent = str(Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}", "01"))

    def end(
        self,
        outcome: str | None = None,
        *,
        name: str | None = None,
        error: str | None = None,
        attributes: Mapping[str, Value] | None = None,
    ) -> None:
        """End it now; see Step."""
        span = self._span
        if name is not None:
            span.update_name(name)
        if attributes is not None:
            span.set_attributes(attributes)
        if outcome is not None:
            span.set_attribute("andan.outcome", outcome)
        if error is not None:
            span.set_attribute("error.type", error)
            span.set_status(StatusCode.ERROR)
        span.end()


class Telling(SpanExporter):
    """Hands spans on; says in one line that the endpoint is away, in another that it is back."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_away = False
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; those that cannot be sent are lost, and nothing else is."""
        try:
            result = self._exporter.export(spans)
        except Exception:  # noqa: BLE001 -- whatever it is, the next spans are tried
            result = SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            if self._is_away:
                log.info("traces.back", lost=self._lost)
            self._is_away, self._lost = False, 0
            return result
        self._lost += len(spans)
        if not self._is_away:
            self._is_away = True
            log.warning("traces.away")
        return result

    def shutdown(self) -> None:
        """Give up what is being sent."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held here."""
        return True


def _context(text: str) -> SpanContext | None:
    trace = parse_traceparent(text)
    if trace is None:
        return None
    return SpanContext(
        int(trace.trace_id, 16), int(trace.parent_id, 16), True, TraceFlags(int(trace.flags, 16))
    )
