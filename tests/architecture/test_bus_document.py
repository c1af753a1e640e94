"""docs/bus.md says the same of the two buses as the data that the bus suite goes by."""

from tests.architecture.sources import ROOT
from tests.bus.differences import DIFFERENCES

HEAD = "| behaviour | Apache Kafka | embedded log |\n|---|---|---|\n"


def test_the_document_lists_exactly_the_known_differences() -> None:
    """The table of differences has one row for each, in the same order and words, and no other."""
    text = (ROOT / "docs" / "bus.md").read_text(encoding="utf-8")
    _, found, table = text.partition(HEAD)
    assert found
    assert table.strip().splitlines() == [
        f"| {each.behaviour} | {each.kafka} | {each.embedded} |" for each in DIFFERENCES
    ]
