"""Withholding: small cells of a published table cannot be read, nor worked out by subtraction."""

from collections.abc import Mapping
from dataclasses import dataclass

SMALLEST = 5
SMALL = "<5"
WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class _Cell:
    """A hidden cell: what it is, and what a reader knows it to lie between."""

    value: int
    low: int
    high: int


def withhold(cells: Mapping[str, int]) -> dict[str, int | str]:
    """Return the table as it may be published; its total is taken to be known.

    Nought is shown. A cell under five reads `<5`; where that alone could be worked out from the
    total, the smallest other cells read `withheld` until each small cell may be one of at least
    two numbers. Where nothing is left to hide, the whole table is withheld: it is empty.
    """
    small = {key for key, value in cells.items() if 0 < value < SMALLEST}
    if not small:
        return dict(cells)
    large = sorted((key for key in cells if cells[key] >= SMALLEST), key=lambda k: (cells[k], k))
    for hidden in range(len(large) + 1):
        complement, shown = large[:hidden], large[hidden:]
        if len(small) + hidden < 2:
            continue
        ceiling = cells[shown[0]] if shown else sum(cells.values())
        guesses = [_Cell(cells[key], 1, SMALLEST - 1) for key in small]
        guesses += [_Cell(cells[key], SMALLEST, ceiling) for key in complement]
        if _cannot_be_told(guesses):
            return {
                key: SMALL if key in small else WITHHELD if key in complement else value
                for key, value in cells.items()
            }
    return {}


def _cannot_be_told(cells: list[_Cell]) -> bool:
    """Say whether each hidden cell may be more than one number, their sum being known."""
    total = sum(cell.value for cell in cells)
    low, high = sum(cell.low for cell in cells), sum(cell.high for cell in cells)
    for cell in cells:
        least = max(cell.low, total - (high - cell.high))
        most = min(cell.high, total - (low - cell.low))
        if least >= most:
            return False
    return True
