"""The record of the campaigns: a line for each run, and the document made of the lines.

`python -m tests.failures.record [FOLDER]` takes the lines in a folder into the record that the
repository keeps (without one: takes none), and writes `docs/reliability.md` from it.
"""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.failures.invariants import INTRODUCTION, INVARIANTS

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).with_name("record.jsonl")
DOCUMENT = ROOT / "docs" / "reliability.md"
VARIABLE = "ANDAN_RECORD"
RULE_OF_THREE = 3


@dataclass(frozen=True)
class Line:
    """A run of a campaign: what was done to the house, how often, and what was found wrong."""

    fault: str
    trials: int
    checks: dict[str, int]
    """How many things each invariant was judged by."""
    violations: list[str]
    seed: int
    seconds: float
    commit: str
    date: str
    command: str

    def text(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)


def note(
    fault: str,
    trials: int,
    *,
    checks: Mapping[str, int],
    violations: Sequence[str],
    seed: int,
    seconds: float,
) -> None:
    """Add a run to the folder that ANDAN_RECORD names; without it nothing is written."""
    if not (folder := os.environ.get(VARIABLE)):
        return
    line = Line(
        fault,
        trials,
        dict(sorted(checks.items())),
        [each[:300] for each in violations[:20]],
        seed,
        round(seconds, 1),
        _commit(),
        datetime.now(UTC).date().isoformat(),
        _command(),
    )
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    with (path / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(line.text() + "\n")


def read(*paths: Path) -> list[Line]:
    """Return the lines of these files, each once, by fault and then as they came."""
    texts = [text for path in paths for text in path.read_text(encoding="utf-8").splitlines()]
    lines = [Line(**json.loads(text)) for text in dict.fromkeys(filter(None, texts))]
    return sorted(lines, key=lambda line: (line.fault, line.date))


def bound(trials: int, violations: int) -> str:
    """Return how often it may happen at most, at 95 % confidence, where it never happened."""
    if violations:
        return "–"
    return f"{RULE_OF_THREE / trials:.2g}" if trials > RULE_OF_THREE else "1"


def document(lines: Sequence[Line]) -> str:
    """Return the document that shows the record."""
    parts = [INTRODUCTION, _faults(lines), _invariants(lines), _runs(lines)]
    return "\n".join(parts)


def _faults(lines: Sequence[Line]) -> str:
    rows = []
    for fault, runs in _by_fault(lines).items():
        trials = sum(each.trials for each in runs)
        wrong = sum(len(each.violations) for each in runs)
        hours = sum(each.seconds for each in runs) / 3600
        rows.append((fault, f"{trials:,}", str(wrong), bound(trials, wrong), f"{hours:.1f} h"))
    head = ("Fault", "Trials", "Violations", "95 % bound", "Under traffic")
    return "## By fault\n\n" + _table(head, rows)


def _invariants(lines: Sequence[Line]) -> str:
    judged: Counter[str] = Counter()
    for line in lines:
        judged.update(line.checks)
    wrong = sum(len(line.violations) for line in lines)
    rows = [
        (
            name,
            each.says,
            f"{judged[name]:,}" if judged[name] else "–",
            _bound(judged[name], wrong),
            "<br>".join(f"`{place}`" for place in each.judged_by),
        )
        for name, each in INVARIANTS.items()
    ]
    head = ("", "Invariant", "Judged", "95 % bound", "Where")
    return "## By invariant\n\n" + _table(head, rows)


def _bound(judged: int, wrong: int) -> str:
    return bound(judged, wrong) if judged else "–"


def _runs(lines: Sequence[Line]) -> str:
    rows = [
        (
            line.date,
            line.fault,
            f"{line.trials:,}",
            str(len(line.violations)),
            str(line.seed),
            f"`{line.commit}`",
            f"`{line.command}`",
        )
        for line in lines
    ]
    head = ("Date", "Fault", "Trials", "Violations", "Seed", "Commit", "Command")
    return "## The runs\n\n" + _table(head, rows)


def _by_fault(lines: Iterable[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.fault].append(line)
    return found


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def _commit() -> str:
    """Return the commit that is tested, marked where files differ from it."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


def _command() -> str:
    """Return how to run this again: the variables that matter, and the test."""
    names = ("ANDAN_PROFILE", "ANDAN_ROUNDS", "ANDAN_SEED")
    told = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
    test = os.environ.get("PYTEST_CURRENT_TEST", "").split(" ")[0]
    return " ".join([*told, "pytest", test]).strip()


def main(folder: str | None = None) -> None:
    """Take what a folder holds into the record, and write the document."""
    more = sorted(Path(folder).glob("*.jsonl")) if folder else []
    kept = [KEPT] if KEPT.exists() else []
    lines = read(*kept, *more)
    KEPT.write_text("".join(line.text() + "\n" for line in lines), encoding="utf-8")
    DOCUMENT.write_text(document(lines), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
