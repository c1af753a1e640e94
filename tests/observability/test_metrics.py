"""The metrics of a process."""

from prometheus_client import generate_latest

from shared.observability.metrics import Metrics


def test_every_process_has_its_own_registry() -> None:
    """Two sets of metrics in one process of tests do not meet."""
    one, two = Metrics(), Metrics()
    one.mails.labels("sent").inc()
    assert b'andan_mails_total{outcome="sent"} 1.0' in generate_latest(one.registry)
    assert b"andan_mails_total{" not in generate_latest(two.registry)


def test_the_promised_metrics_exist() -> None:
    """Operators' dashboards rely on these names and labels."""
    metrics = Metrics(with_process=False)
    labels = {
        metric._name: metric._labelnames  # the only place where a client keeps them
        for metric in vars(metrics).values()
        if hasattr(metric, "_labelnames")
    }
    assert labels == {
        "andan_http_request_seconds": ("service", "method", "route", "status"),
        "andan_admission_waiting": ("service",),
        "andan_admission_refused": ("service",),
        "andan_due_rows": ("service",),
        "andan_due_overdue_seconds": ("service",),
        "andan_outbox_depth": ("service",),
        "andan_outbox_oldest_seconds": ("service",),
        "andan_relay_messages": ("service", "outcome"),
        "andan_message_seconds": ("consumer", "outcome"),
        "andan_inbox_duplicates": ("consumer",),
        "andan_retries": ("consumer",),
        "andan_dead_letters": ("consumer",),
        "andan_waiting_messages": ("consumer",),
        "andan_waiting_oldest_seconds": ("consumer",),
        "andan_consumer_lag": ("consumer", "topic"),
        "andan_store_leader": ("service",),
        "andan_last_poll_age_seconds": ("consumer",),
        "andan_disk_free_ratio": ("service",),
        "andan_ballots_waiting_seconds": (),
        "andan_backup_age_seconds": (),
        "andan_bookings": ("status",),
        "andan_registrations": ("status",),
        "andan_mails": ("outcome",),
    }


def test_a_request_is_observed_under_its_labels() -> None:
    """Repeated requests of one kind share one series."""
    metrics = Metrics(with_process=False)
    for seconds in (0.002, 0.2):
        metrics.request("events", "GET", "/v1/events/{id}", 200, seconds)
    labels = {"service": "events", "method": "GET", "route": "/v1/events/{id}", "status": "200"}
    get = metrics.registry.get_sample_value
    assert get("andan_http_request_seconds_count", labels) == 2
    assert get("andan_http_request_seconds_bucket", labels | {"le": "0.0025"}) == 1
