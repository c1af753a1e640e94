"""What a benchmark says: a figure, its unit, and the limit of the same run."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

FOLDER = Path("var/bench")


@dataclass(frozen=True)
class Result:
    """One row; `ratio` is value / limit where a limit was measured in the same run."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    store: str | None = None
    clients: int | None = None

    @property
    def ratio(self) -> float | None:
        """The value as a share of its limit."""
        return self.value / self.limit if self.limit else None


def show(results: list[Result]) -> None:
    """Print the table."""
    table = Table("what", "value", "unit", "limit", "ratio", "store", "clients")
    for each in results:
        table.add_row(
            each.name,
            _number(each.value),
            each.unit,
            _number(each.limit),
            "" if each.ratio is None else f"{each.ratio:.2f}",
            each.store or "",
            str(each.clients or ""),
        )
    Console(width=120).print(table)


def write(results: list[Result], file: str, *, keep: bool) -> None:
    """Write all results as JSON; `keep` leaves what the file says of other things."""
    path = FOLDER / file
    rows = [{**asdict(each), "ratio": each.ratio} for each in results]
    said = {(row["name"], row["store"]) for row in rows}
    if keep and path.exists():
        earlier = json.loads(path.read_text())
        rows = [row for row in earlier if (row["name"], row["store"]) not in said] + rows
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
