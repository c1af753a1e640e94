"""Spans along the thread from a request to its last effect; none unless an endpoint is set."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from sqlalchemy import Row

from shared.contracts.envelope import Envelope
from shared.contracts.message import MESSAGES
from shared.observability.correlation import traceparent

Kind = Literal["SERVER", "CLIENT", "PRODUCER", "CONSUMER", "INTERNAL"]
Value = str | int | bool

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_UNTRACED: Final = re.compile(
    r"/v1/(?:surveys|quotes|quote-withdrawals)(?:/|$)"
    r"|/[a-z]{2}/(?:e|q|desk/quotes|desk/events/[^/]+/survey-closing)(?:/|$)"
)
_SAMPLED: Final = "-01"
_NOW: Final = "traceparent"
_LATER: Final = "traceparent of the cause"


class Step(Protocol):
    """A span that has begun. One that is not ended is never told of."""

    traceparent: str
    """What the next step names as its parent."""

    def end(
        self,
        outcome: str | None = None,
        *,
        name: str | None = None,
        error: str | None = None,
        attributes: Mapping[str, Value] | None = None,
    ) -> None:
        """End it now; `error` is a type or a status, never a message."""
        ...


class Tracer(Protocol):
    """Begins spans."""

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
        """Begin a span under `parent`, or a trace; None where it is not sampled."""
        ...


_tracer: Tracer | None = None


def is_on() -> bool:
    """Tell whether this process tells of its spans."""
    return _tracer is not None


def is_untraced(path: str) -> bool:
    """Tell whether a request is about surveys or quotes: it has no span, and carries no trace."""
    return _UNTRACED.match(path) is not None


@contextmanager
def tracing() -> Iterator[None]:
    """Tell of spans meanwhile, where the standard variables name an endpoint.

    Without one, nothing of OpenTelemetry's SDK is imported. At the end what is left is sent, for
    two seconds at most.
    """
    global _tracer  # noqa: PLW0603 -- one per process, asked for at every step
    if not _is_wanted():
        yield
        return
    from shared.observability.otlp import OtlpTracer

    tracer = _tracer = OtlpTracer()
    try:
        yield
    finally:
        _tracer = None
        tracer.close()


def _is_wanted() -> bool:
    environment = os.environ
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() == "none":
        return False
    return any(environment.get(name, "").strip() for name in _ENDPOINTS)


def begin_request(
    service: str, path: str, parent: str | None, *, begins_trace: bool
) -> Step | None:
    """Begin the span of a request that a service answers.

    Only where `begins_trace` does one without a parent have a span.
    """
    if _tracer is None or is_untraced(path) or (parent is None and not begins_trace):
        return None
    return _tracer.step(service, "HTTP", "SERVER", parent)


def end_request(
    step: Step, *, method: str, route: str | None, status: int, error: BaseException | None
) -> None:
    """End the span of a request, named by its route's template: a path may hold a token."""
    attributes: dict[str, Value] = {
        "http.request.method": method if method != "OTHER" else "_OTHER",
        "http.response.status_code": status,
    }
    if route is not None:
        attributes["http.route"] = route
    failed = type(error).__name__ if error is not None else str(status)
    step.end(
        name=f"{method if method != 'OTHER' else 'HTTP'} {route or ''}".rstrip(),
        error=failed if error is not None or status >= 500 else None,
        attributes=attributes,
    )


class _Record(Protocol):
    @property
    def headers(self) -> list[tuple[str, bytes]]: ...


class Sending:
    """The spans of a batch on its way to the bus, each from its row's commit on."""

    def __init__(self, service: str, tracer: Tracer) -> None:
        self._service = service
        self._tracer = tracer
        self._steps: dict[int, Step] = {}

    def carry(self, row: Row[Any], headers: list[tuple[str, bytes]]) -> None:
        """Begin the span of a row and let its message name it; none where it has no trace."""
        place = next((n for n, (name, _) in enumerate(headers) if name == "traceparent"), None)
        if place is None:
            return
        step = self._tracer.step(
            self._service,
            f"send {row.topic}",
            "PRODUCER",
            headers[place][1].decode("latin-1"),
            attributes=_messaging("send", row.topic, row.message_id),
            since=row.at,
        )
        if step is not None:
            headers[place] = ("traceparent", step.traceparent.encode("ascii"))
            self._steps[row.seq] = step

    def sent(self, rows: Iterable[Row[Any]]) -> None:
        """End the spans of rows that are acknowledged."""
        for row in rows:
            if (step := self._steps.pop(row.seq, None)) is not None:
                step.end("sent")

    def refused(self, row: Row[Any]) -> None:
        """End the span of a row that can never be sent."""
        if (step := self._steps.pop(row.seq, None)) is not None:
            step.end("parked", error="Unsendable")


def begin_sending(
    service: str, rows: Sequence[Row[Any]], records: Sequence[_Record]
) -> Sending | None:
    """Begin to tell of a batch, whose records name their spans from now on."""
    if _tracer is None:
        return None
    sending = Sending(service, _tracer)
    for row, record in zip(rows, records, strict=True):
        sending.carry(row, record.headers)
    return sending


def begin_message(service: str, group: str, topic: str, envelope: Envelope) -> Step | None:
    """Begin the span of a message that a consumer takes.

    One without a trace has none, nor one that must not be linked with anything.
    """
    if _tracer is None or envelope.traceparent is None:
        return None
    if (kind := MESSAGES.get(envelope.type)) is not None and kind.unlinkable:
        return None
    attributes = _messaging("process", topic, envelope.id)
    attributes["messaging.consumer.group.name"] = group
    attributes["cloudevents.event_type"] = envelope.type
    return _tracer.step(
        service, f"process {topic}", "CONSUMER", envelope.traceparent, attributes=attributes
    )


def _messaging(operation: str, topic: str, message_id: str) -> dict[str, Value]:
    return {
        "messaging.system": "kafka",  # the embedded log speaks its language, under its names
        "messaging.operation.type": operation,
        "messaging.operation.name": operation,
        "messaging.destination.name": topic,
        "messaging.message.id": message_id,
    }


def remember(data: dict[str, Any], *, is_late: bool) -> dict[str, Any]:
    """Return the data of what is put off, with the trace at hand; see `job`."""
    trace = None if _tracer is None else traceparent.get()
    if trace is None or not trace.endswith(_SAMPLED):
        return data
    return {**data, _LATER if is_late else _NOW: trace}


@contextmanager
def job(service: str, kind: str, data: dict[str, Any]) -> Iterator[None]:
    """Tell of what was put off, by the trace that its data remembers, which is taken out of it.

    What was due at once is a step of that trace; what was put off for later has one of its own,
    linked with it: a trace that lasts a month is none.
    """
    trace, cause = data.pop(_NOW, None), data.pop(_LATER, None)
    if _tracer is None or (trace is None and cause is None):
        yield
        return
    told = {"andan.job": kind}
    step = _tracer.step(service, kind, "INTERNAL", trace, attributes=told, link=cause)
    with _under(step):
        yield


@contextmanager
def calling(service: str, name: str, attributes: Mapping[str, Value]) -> Iterator[None]:
    """Tell of a call to somebody outside, as a step of the work at hand, if that has a trace."""
    if _tracer is None or (parent := traceparent.get()) is None:
        yield
        return
    with _under(_tracer.step(service, name, "CLIENT", parent, attributes=attributes)):
        yield


@contextmanager
def _under(step: Step | None) -> Iterator[None]:
    """Let what is done meanwhile be done under a step, and end it with how that went."""
    if step is None:
        yield
        return
    token = traceparent.set(step.traceparent)
    try:
        yield
    except BaseException as error:
        step.end("failed", error=type(error).__name__)
        raise
    else:
        step.end("done")
    finally:
        traceparent.reset(token)
