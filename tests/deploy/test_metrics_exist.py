"""Alarms and dashboards ask for what a running house shows, and for nothing else."""

import json
import re
import runpy
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from services.settings import ProcessSettings
from services.topology import whole_house
from shared.gauges import sample, show
from shared.observability.metrics import Metrics
from shared.security.keyring import SECRETS_VARIABLE
from tests.architecture.sources import ROOT

RULES = ROOT / "deploy" / "prometheus" / "andan.rules.yml"
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
RUNBOOK = ROOT / "docs" / "runbook.md"
WORDS = {
    *("by", "on", "and", "or", "unless", "bool"),
    *("sum", "max", "min", "rate", "increase", "count", "topk", "histogram_quantile"),
}
"""What PromQL itself means by a word; only what is used."""
ADDED = {"instance", "job"}
"""Labels that Prometheus adds to what it is told."""
OTHERS = {
    "up": set[str](),
    "node_filesystem_avail_bytes": {"device", "fstype", "mountpoint"},
    "node_filesystem_size_bytes": {"device", "fstype", "mountpoint"},
}
"""What Prometheus itself and the node exporter show."""


METRIC = re.compile(r'([a-zA-Z_][\w:]*)\s*(?:\{((?:[^}"]|"[^"]*")*)\})?')
"""A word, and the matchers that stand behind it."""


@dataclass(frozen=True)
class Asked:
    """A metric in an expression, and the labels by which it is picked or kept."""

    metric: str
    labels: frozenset[str]


def asked(expression: str) -> Iterator[Asked]:
    """Yield the metrics of an expression; labels after `by` are asked of each of them."""
    kept = {
        label.strip()
        for labels in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression)
        for label in labels.split(",")
        if label.strip()
    }
    rest = re.sub(r"\b(by|on)\s*\([^)]*\)", " ", expression)
    for name, matchers in METRIC.findall(strip(rest)):
        if name in WORDS:
            continue
        picked = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', matchers))
        yield Asked(name, frozenset([*picked, *kept]))


def strip(expression: str) -> str:
    """Return an expression without its ranges and numbers."""
    return re.sub(r"(?<![\w:])\d[\w.]*", " ", re.sub(r"\[[^\]]*\]", " ", expression))


def missing(expression: str, shown: dict[str, set[str]]) -> list[str]:
    """Return what an expression asks for that nobody shows.

    A label after `by` has to be one of some metric of the expression: several may meet there.
    """
    found = list(asked(expression))
    known = {label for each in found for label in shown.get(each.metric, set())} | ADDED
    return [
        *(each.metric for each in found if each.metric not in shown),
        *sorted({label for each in found for label in each.labels} - known),
    ]


def rules() -> list[dict[str, Any]]:
    """Return every rule of the alarms' file."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> Iterator[tuple[str, str]]:
    """Yield the expressions of the dashboards, each with its place."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"]


def served(text: str) -> dict[str, set[str]]:
    """Return the names and labels of the samples that /metrics answered."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for each in family.samples:
            found.setdefault(each.name, set()).update(each.labels)
    return found


def labels(metrics: Metrics, text: str) -> dict[str, set[str]]:
    """Return the names that /metrics tells of, with the labels that only a metric knows."""
    told = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    found: dict[str, set[str]] = {}
    for collector, names in metrics.registry._collector_to_names.items():
        if told.intersection(names):
            known = set(getattr(collector, "_labelnames", ()))
            found |= {
                name: known | ({"le"} if name.endswith("_bucket") else set()) for name in names
            }
    return found


@pytest.fixture
async def shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, set[str]]]:
    """Return the metrics of /metrics of a running house, with the labels of each."""
    for variable in (SECRETS_VARIABLE, "KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    house = whole_house(ProcessSettings(data=tmp_path))
    await house.start()
    try:
        metrics = house.services[0].metrics
        for service in house.services:
            show(service, metrics)
            await sample(service, metrics)
        transport = httpx2.ASGITransport(app=house.front.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://house") as client:
            await client.get("/v1/events")
            text = (await client.get("/metrics")).text
        yield labels(metrics, text) | served(text)
    finally:
        await house.stop()


@pytest.mark.anyio
async def test_every_expression_asks_for_what_is_shown(shown: dict[str, set[str]]) -> None:
    """Each metric and label of the rules and dashboards is on /metrics of a house that runs."""
    recorded = {rule["record"]: set[str]() for rule in rules() if "record" in rule}
    everything = shown | recorded | OTHERS
    expressions = [*((rule.get("alert", ""), rule["expr"]) for rule in rules()), *panels()]
    assert len(expressions) > 40
    found = {place: gaps for place, it in expressions if (gaps := missing(it, everything))}
    assert found == {}


@pytest.mark.parametrize(
    ("expression", "gaps"),
    [
        ("andan_outbox_age > 60", ["andan_outbox_age"]),
        ('rate(andan_mails_total{result="failed"}[5m]) > 1e3', ["result"]),
        ("sum by (topic) (andan_outbox_depth)", ["topic"]),
        ('sum by (outcome, instance) (andan_mails_total{outcome!~"a|{b}"}) / 1.5', []),
    ],
)
def test_what_nobody_shows_is_found(expression: str, gaps: list[str]) -> None:
    """A metric that is not there is named, and so is a label that it has not."""
    shown = {"andan_mails_total": {"outcome"}, "andan_outbox_depth": {"service"}}
    assert missing(expression, shown) == gaps


def test_a_dashboard_is_what_its_description_says() -> None:
    """The JSON files are written by the file beside them, and nothing was changed by hand."""
    described = runpy.run_path(str(ROOT / "deploy" / "grafana" / "dashboards.py"))
    written = {path.stem: path.read_text(encoding="utf-8") for path in DASHBOARDS.glob("*.json")}
    assert written == {uid: described["dashboard"](uid) for uid in described["DASHBOARDS"]}


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as they are made where it is read."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_alarm_leads_to_the_runbook() -> None:
    """Each alarm names a section that exists, says how grave it is and what it is in a sentence."""
    known = anchors(RUNBOOK.read_text(encoding="utf-8"))
    for rule in rules():
        if "alert" in rule:
            document, _, anchor = rule["annotations"]["runbook"].partition("#")
            assert (ROOT / document) == RUNBOOK
            assert anchor in known, rule["alert"]
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["summary"]
