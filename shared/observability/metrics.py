"""The figures a process shows on /metrics; no label ever holds a person, an id or a path."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Every metric of one process, in one registry; made once, at the top, and handed down.

    `service` is a service's name, `consumer` is `<service>.<purpose>`.
    """

    def __init__(self, *, with_process: bool = True) -> None:
        self.registry = CollectorRegistry()
        if with_process:
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)
            GCCollector(registry=self.registry)
        self._doors()
        self._bus()
        self._business()
        self._requests: dict[tuple[str, str, str, int], Histogram] = {}

    def request(self, service: str, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is a template, of which there are few."""
        key = (service, method, route, status)
        child = self._requests.get(key)
        if child is None:
            child = self.requests.labels(service, method, route, str(status))
            self._requests[key] = child
        child.observe(seconds)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"andan_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"andan_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"andan_{name}", text, labels, registry=self.registry, buckets=_SECONDS)

    def _doors(self) -> None:
        self.requests = self._histogram(
            "http_request_seconds",
            "Time from a request to its answer",
            *("service", "method", "route", "status"),
        )
        self.admission_waiting = self._gauge(
            "admission_waiting", "Requests waiting to be let in", "service"
        )
        self.admission_refused = self._counter(
            "admission_refused", "Requests turned away by a full queue", "service"
        )
        self.due_rows = self._gauge("due_rows", "Things to be done later", "service")
        self.due_overdue_seconds = self._gauge(
            "due_overdue_seconds", "How long the oldest due thing waits past its time", "service"
        )
        self.disk_free_ratio = self._gauge(
            "disk_free_ratio", "Free share of the disk that holds a store's file", "service"
        )

    def _bus(self) -> None:
        self.outbox_depth = self._gauge("outbox_depth", "Messages not yet on the bus", "service")
        self.outbox_oldest_seconds = self._gauge(
            "outbox_oldest_seconds", "Age of the oldest message not yet on the bus", "service"
        )
        self.store_leader = self._gauge(
            "store_leader", "1 where this process relays and does what is due", "service"
        )
        self.relay_messages = self._counter(
            "relay_messages", "Messages relayed: sent, failed or parked", "service", "outcome"
        )
        self.message_seconds = self._histogram(
            "message_seconds", "Time to handle a message or a batch", "consumer", "outcome"
        )
        self.inbox_duplicates = self._counter(
            "inbox_duplicates", "Messages that came again and were left alone", "consumer"
        )
        self.retries = self._counter("retries", "Attempts after a first failure", "consumer")
        self.dead_letters = self._counter("dead_letters", "Messages parked", "consumer")
        self.waiting_messages = self._gauge(
            "waiting_messages", "Messages that wait for another (NotYet)", "consumer"
        )
        self.waiting_oldest_seconds = self._gauge(
            "waiting_oldest_seconds",
            "How long the oldest message has waited for another",
            "consumer",
        )
        self.consumer_lag = self._gauge(
            "consumer_lag", "Messages of a topic not yet acknowledged", "consumer", "topic"
        )
        self.last_poll_age_seconds = self._gauge(
            "last_poll_age_seconds", "How long ago a consumer last asked the bus", "consumer"
        )

    def _business(self) -> None:
        self.backup_age_seconds = self._gauge(
            "backup_age_seconds", "Age of the last backup; infinite where there is none"
        )
        self.ballots_waiting_seconds = self._gauge(
            "ballots_waiting_seconds", "How long an open survey has waited for its letters"
        )
        self.bookings = self._counter("bookings", "Bookings by what became of them", "status")
        self.registrations = self._counter(
            "registrations", "Registrations by what became of them", "status"
        )
        self.mails = self._counter("mails", "Letters by what became of them", "outcome")
