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


def withhold(cells: Mapping[str, int], unstated: int = 0) -> dict[str, int | str]:
    """Return the table as it may be published beside its total, which is told elsewhere.

    `unstated` are those of the total who are in no cell: whoever subtracts finds them too, so
    they are a cell that is never shown. Nought is shown. A cell under five reads `<5`; where that
    alone could be worked out from the total, the smallest other cells read `withheld`, until each
    small cell may be one of at least two numbers and those hidden are five or more together.
    Where nothing is left to hide, the whole table is withheld: it is empty.
    """
    small = {key for key, value in cells.items() if 0 < value < SMALLEST}
    if not small and not 0 < unstated < SMALLEST:
        return dict(cells)
    large = sorted((key for key in cells if cells[key] >= SMALLEST), key=lambda k: (cells[k], k))
    total = sum(cells.values()) + unstated
    aside = [_Cell(unstated, 0, total)] if unstated else []
    for hidden in range(len(large) + 1):
        complement, shown = large[:hidden], large[hidden:]
        ceiling = cells[shown[0]] if shown else total
        guesses = [_Cell(cells[key], 1, SMALLEST - 1) for key in small]
        guesses += [_Cell(cells[key], SMALLEST, ceiling) for key in complement]
        if _cannot_be_told([*guesses, *aside]):
            return {
                key: SMALL if key in small else WITHHELD if key in complement else value
                for key, value in cells.items()
            }
    return {}


def _cannot_be_told(cells: list[_Cell]) -> bool:
    """Say whether each hidden cell may be more than one number, their sum being known.

    The sum itself tells of a group too: it is not under five.
    """
    total = sum(cell.value for cell in cells)
    if len(cells) < 2 or total < SMALLEST:
        return False
    low, high = sum(cell.low for cell in cells), sum(cell.high for cell in cells)
    for cell in cells:
        least = max(cell.low, total - (high - cell.high))
        most = min(cell.high, total - (low - cell.low))
        if least >= most:
            return False
    return True
