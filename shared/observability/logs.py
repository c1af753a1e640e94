"""Writes logs as JSON lines that name what happened and never a person."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor

from shared.observability import correlation

_TOLD: Final = structlog.get_logger("andan")
_QUIETER: Final = (
    "andan.bus",
    "httpx2",
    "httpcore2",
    "asyncio",
    "faststream",
    "alembic",
    "aiosqlite",
)
_MAX_FRAMES: Final = 12


class RateLimit(logging.Filter):
    """Lets through at most `per_minute` records of one wording; a broken broker says the same
    thing thousands of times.

    The record after a silence tells how many were left out (`left_out`).
    """

    def __init__(self, per_minute: int = 10, seconds: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._per_minute = per_minute
        self._seconds = seconds
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is written."""
        now = self._seconds()
        wording = (record.name, str(record.msg)[:200])
        began, count = self._windows.get(wording, (now, 0))
        if now - began >= 60:
            if count > self._per_minute:
                record.left_out = count - self._per_minute
            began, count = now, 0
        if wording not in self._windows and len(self._windows) >= 1_000:
            self._windows.clear()
        self._windows[wording] = (began, count + 1)
        return count < self._per_minute


def configure_logs(
    *, level: int = logging.INFO, stream: TextIO | None = None, json_lines: bool | None = None
) -> None:
    """Send every log of this process to `stream` (stderr): JSON lines, or colours on a terminal.

    Server and library logs go the same way. Access logs of the server are off, because they
    carry paths and queries; `request_line` takes their place.
    """
    stream = stream or sys.stderr
    as_json = not stream.isatty() if json_lines is None else json_lines
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_correlation,
        name_exception,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if as_json
        else structlog.dev.ConsoleRenderer()
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(allow=["left_out"]),
                *shared,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIETER:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn").handlers.clear()
    logging.getLogger("uvicorn").propagate = True
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    # A filter counts only on the logger that is written to, not on its parents.
    handler.addFilter(_OnlyFor("aiokafka", RateLimit()))
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,  # a later call may name another stream
    )


class _OnlyFor(logging.Filter):
    def __init__(self, name: str, limit: logging.Filter) -> None:
        super().__init__(name)
        self._limit = limit

    def filter(self, record: logging.LogRecord) -> bool:
        return not super().filter(record) or bool(self._limit.filter(record))


def add_correlation(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Add the request, cause and trace of the work at hand to a log line."""
    if (request := correlation.request_id.get()) is not None:
        event.setdefault("request_id", request)
    if (cause := correlation.causation_id.get()) is not None:
        event.setdefault("causation_id", cause)
    if (trace := correlation.parse_traceparent(correlation.traceparent.get())) is not None:
        event.setdefault("trace_id", trace.trace_id)
    return event


def name_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type, its causes and where it was raised.

    Never its message or its variables: a database's message quotes the row.
    """
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event.update(describe_exception(error))
    return event


def describe_exception(error: BaseException) -> Mapping[str, Any]:
    """Return the type of `error` with those of its causes, and the last frames of its trace."""
    causes: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < 5:
        causes.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        file = "/".join(code.co_filename.split("/")[-3:])
        frames.append(f"{file}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return {"error": type(error).__name__, "causes": causes, "frames": frames[-_MAX_FRAMES:]}


def request_line(
    *,
    service: str,
    method: str,
    route: str,
    status: int,
    duration_ms: float,
    principal: str | None,
    request_id: str | None = None,
    trace_id: str | None = None,
    error: BaseException | None = None,
) -> None:
    """Write the one line of a request: its route's template, never its path or query."""
    _TOLD.info(
        "request",
        service=service,
        method=method,
        route=route,
        status=status,
        duration_ms=round(duration_ms, 3),
        principal=principal,
        request_id=request_id,
        trace_id=trace_id,
        **(describe_exception(error) if error else {}),
    )


def message_line(
    *,
    consumer: str,
    topic: str,
    type: str,  # noqa: A002 -- the envelope's word
    message_id: str | None,
    outcome: str,
    duration_ms: float,
    attempt: int = 1,
    messages: int = 1,
    error: BaseException | None = None,
) -> None:
    """Write the one line of a message, or of a batch of `messages`.

    `outcome` is one word: done, duplicate, waits, retried, parked, ignored.
    """
    fields: MutableMapping[str, Any] = {
        "consumer": consumer,
        "topic": topic,
        "type": type,
        "message_id": message_id,
        "outcome": outcome,
        "duration_ms": round(duration_ms, 3),
        "attempt": attempt,
        "messages": messages,
        **(describe_exception(error) if error else {}),
    }
    if error is None:
        _TOLD.info("message", **fields)
    else:
        _TOLD.warning("message", **fields)
