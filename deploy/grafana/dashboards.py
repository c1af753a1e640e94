"""The two dashboards, and how they are written: `python deploy/grafana/dashboards.py`."""  # noqa: INP001 -- a script beside what it writes

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH, HEIGHT, COLUMNS = 8, 8, 3
DOOR = 'service="gateway", route!~"/livez|/readyz|/metrics"'


@dataclass(frozen=True)
class Panel:
    """A graph of one or more expressions, each with the legend of its lines."""

    title: str
    unit: str
    lines: dict[str, str]
    kind: str = "timeseries"


BUSINESS = [
    Panel(
        "Registrations",
        "short",
        {"sum by (status) (increase(andan_registrations_total[1h]))": "{{status}}"},
    ),
    Panel(
        "Bookings",
        "short",
        {"sum by (status) (increase(andan_bookings_total[1h]))": "{{status}}"},
    ),
    Panel(
        "Letters", "short", {"sum by (outcome) (increase(andan_mails_total[1h]))": "{{outcome}}"}
    ),
    Panel(
        "Requests at the front door",
        "reqps",
        {
            "sum by (status) (rate("
            f"andan_http_request_seconds_count{{{DOOR}}}[$__rate_interval]))": "{{status}}"
        },
    ),
    Panel(
        "Time to an answer",
        "s",
        {
            f"histogram_quantile({share}, sum by (le) (rate("
            f"andan_http_request_seconds_bucket{{{DOOR}}}[$__rate_interval])))": name
            for share, name in (("0.5", "half of them"), ("0.99", "99 of 100"))
        },
    ),
    Panel(
        "Slowest routes (99 of 100)",
        "s",
        {
            "topk(5, histogram_quantile(0.99, sum by (le, method, route) (rate("
            f"andan_http_request_seconds_bucket{{{DOOR}}}[$__rate_interval]))))": (
                "{{method}} {{route}}"
            )
        },
    ),
    Panel(
        "Share of requests that fail",
        "percentunit",
        {"andan:request_errors:ratio_1h": "1 hour", "andan:request_errors:ratio_1d": "1 day"},
    ),
    Panel(
        "Waiting to be let in, and turned away",
        "short",
        {
            "sum(andan_admission_waiting)": "waiting",
            "sum(increase(andan_admission_refused_total[5m]))": "turned away in 5 minutes",
        },
    ),
    Panel(
        "Open survey whose letters are not written",
        "s",
        {"max(andan_ballots_waiting_seconds)": "waits"},
        kind="stat",
    ),
]

BUS = [
    Panel(
        "Oldest message that is not on the bus",
        "s",
        {"max by (service) (andan_outbox_oldest_seconds)": "{{service}}"},
    ),
    Panel(
        "Messages that are not on the bus",
        "short",
        {"max by (service) (andan_outbox_depth)": "{{service}}"},
    ),
    Panel(
        "Relayed",
        "mps",
        {
            "sum by (service, outcome) (rate(andan_relay_messages_total[$__rate_interval]))": (
                "{{service}} {{outcome}}"
            )
        },
    ),
    Panel(
        "Not yet read",
        "short",
        {"max by (consumer, topic) (andan_consumer_lag) > 0": "{{consumer}} {{topic}}"},
    ),
    Panel(
        "Last poll",
        "s",
        {"max by (consumer) (andan_last_poll_age_seconds)": "{{consumer}}"},
    ),
    Panel(
        "Time to handle (99 of 100)",
        "s",
        {
            "histogram_quantile(0.99, sum by (le, consumer) (rate("
            "andan_message_seconds_bucket[$__rate_interval])))": "{{consumer}}"
        },
    ),
    Panel(
        "Tried again, and came again",
        "short",
        {
            "sum by (consumer) (increase(andan_retries_total[5m])) > 0": "again: {{consumer}}",
            "sum by (consumer) (increase(andan_inbox_duplicates_total[5m])) > 0": (
                "repeat: {{consumer}}"
            ),
        },
    ),
    Panel(
        "Put aside in a day",
        "short",
        {"sum by (consumer) (increase(andan_dead_letters_total[1d]))": "{{consumer}}"},
    ),
    Panel(
        "Waiting for another message",
        "s",
        {"max by (consumer) (andan_waiting_oldest_seconds)": "{{consumer}}"},
    ),
    Panel("Who leads", "short", {"sum by (service) (andan_store_leader)": "{{service}}"}),
    Panel(
        "Overdue, and how much is to be done later",
        "short",
        {
            "max by (service) (andan_due_overdue_seconds)": "{{service}}: seconds overdue",
            "max by (service) (andan_due_rows)": "{{service}}: rows",
        },
    ),
    Panel("Memory", "bytes", {"process_resident_memory_bytes": "{{instance}}"}),
    Panel(
        "Processors",
        "percentunit",
        {"rate(process_cpu_seconds_total[$__rate_interval])": "{{instance}}"},
    ),
    Panel(
        "Free disk",
        "percentunit",
        {
            "min by (service) (andan_disk_free_ratio)": "store of {{service}}",
            "min by (device) (node_filesystem_avail_bytes / node_filesystem_size_bytes)": (
                "{{device}}"
            ),
        },
    ),
    Panel(
        "Age of the last backup", "s", {"min(andan_backup_age_seconds > 0)": "backup"}, kind="stat"
    ),
]

DASHBOARDS = {
    "andan-business": ("Andan: the business", BUSINESS),
    "andan-bus": ("Andan: the bus", BUS),
}


def dashboard(uid: str) -> str:
    """Return the text of a dashboard's file."""
    title, panels = DASHBOARDS[uid]
    made = {
        "uid": uid,
        "title": title,
        "tags": ["andan"],
        "editable": False,
        "schemaVersion": 41,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, COLUMNS)
    return {
        "id": number + 1,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": line, "legendFormat": name}
            for at, (line, name) in enumerate(panel.lines.items())
        ],
    }


if __name__ == "__main__":
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(dashboard(name), encoding="utf-8")
