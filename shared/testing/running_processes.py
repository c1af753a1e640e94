"""Processes of this machine, known by their number and by when they began."""

import os
from collections.abc import Iterable

import psutil

GONE_SECONDS = 10.0


def began(pid: int) -> float | None:
    """Return when the process began, in seconds since 1970; None where there is none."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def told_of(words: Iterable[str]) -> list[int]:
    """Return the processes, but for this one, that were told one of these.

    As an argument, or as a variable in the form NAME=value.
    """
    wanted = set(words)
    found = []
    for process in psutil.process_iter():
        try:
            known = {*process.cmdline(), *(f"{k}={v}" for k, v in process.environ().items())}
        except psutil.Error:
            continue
        if process.pid != os.getpid() and wanted & known:
            found.append(process.pid)
    return found


def until_gone(pids: Iterable[int]) -> None:
    """Wait until none of these runs any more, ten seconds at the longest."""
    left = []
    for pid in pids:
        try:
            left.append(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=GONE_SECONDS)
