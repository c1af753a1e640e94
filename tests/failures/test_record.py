"""The published record is made of the lines that the repository keeps, and of nothing else."""

from pathlib import Path

import pytest

from tests.failures import record
from tests.failures.invariants import INVARIANTS
from tests.failures.record import DOCUMENT, KEPT, Line, bound, document, note, read

ROOT = Path(__file__).resolve().parents[2]


def test_the_document_is_what_the_lines_make() -> None:
    """`python -m tests.failures.record` would change nothing."""
    assert DOCUMENT.read_text(encoding="utf-8") == document(read(KEPT))


def test_a_run_leaves_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a campaign notes is what is read, with the commit and the command of the run."""
    monkeypatch.setenv(record.VARIABLE, str(tmp_path))
    note("a fault", 1000, checks={"I5": 7}, violations=[], seed=3, seconds=1.25)
    note("a fault", 2, checks={}, violations=["lost: a"], seed=4, seconds=1)
    first, second = read(*tmp_path.glob("*.jsonl"))
    assert (first.fault, first.trials, first.checks, first.seed) == ("a fault", 1000, {"I5": 7}, 3)
    assert first.commit
    assert "test_a_run_leaves_a_line" in first.command
    assert second.violations == ["lost: a"]
    shown = document([first, second])
    assert "| a fault | 1,002 | 1 | – |" in shown
    assert "| a fault | 1,000 | 0 | 0.003 |" in document([first])


def test_nothing_is_noted_where_nobody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run without a folder for its lines writes none."""
    monkeypatch.delenv(record.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    note("a fault", 1, checks={}, violations=[], seed=1, seconds=1)
    assert not list(tmp_path.iterdir())


def test_a_line_is_taken_once(tmp_path: Path) -> None:
    """A line that was taken into the record before is not doubled."""
    line = Line("a fault", 1, {}, [], 1, 1.0, "abc", "2026-11-24", "pytest")
    path = tmp_path / "lines.jsonl"
    path.write_text(f"{line.text()}\n")
    assert read(path, path) == [line]


@pytest.mark.parametrize(
    ("trials", "violations", "shown"),
    [(1000, 0, "0.003"), (100, 0, "0.03"), (3, 0, "1"), (0, 0, "1"), (100, 1, "–")],
)
def test_the_bound_is_three_over_n(trials: int, violations: int, shown: str) -> None:
    """Nothing found in n trials: below 3/n with 95 % confidence."""
    assert bound(trials, violations) == shown


def test_every_place_that_is_named_exists() -> None:
    """The tests that are said to judge an invariant are there."""
    places = {place for each in INVARIANTS.values() for place in each.judged_by}
    assert [place for place in sorted(places) if not (ROOT / place).exists()] == []
