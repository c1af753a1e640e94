"""The runbook has a word on every metric that a process shows."""

from shared.observability.metrics import Metrics
from tests.architecture.sources import ROOT


def unnamed(metrics: Metrics, text: str) -> list[str]:
    """Return the metrics that a text does not name; a counter's name ends in `_total`."""
    shown = [(family.name, family.type) for family in metrics.registry.collect()]
    names = [f"{name}_total" if type_ == "counter" else name for name, type_ in shown]
    return [name for name in names if name.startswith("andan_") and f"`{name}" not in text]


def test_every_metric_is_in_the_runbook() -> None:
    """Whoever sees a figure rise finds its row, with what to look at and do."""
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert unnamed(Metrics(with_process=False), text) == []


def test_a_metric_without_a_row_is_found() -> None:
    """A gauge that the text forgets is named, and so is a counter."""
    text = "`andan_outbox_depth` and `andan_bookings_total{status}`"
    found = unnamed(Metrics(with_process=False), text)
    assert "andan_due_rows" in found
    assert "andan_mails_total" in found
    assert "andan_outbox_depth" not in found
    assert "andan_bookings_total" not in found
