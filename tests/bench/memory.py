"""What processes weigh."""

from collections.abc import Iterable
from pathlib import Path

import psutil


def of_process(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def together(pids: Iterable[int]) -> float:
    """Return the memory of processes in MiB, what they share counted once."""
    return sum(_share(pid) for pid in pids)


def _share(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
