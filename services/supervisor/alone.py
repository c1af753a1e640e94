"""One supervisor per folder: a lock, and what a supervisor that was killed left running."""

import fcntl
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from services.process import CannotStart
from services.supervisor.process import SUPERVISED
from shared.testing.running_processes import began, told_of, until_gone

NAME = "running.json"


class Children:
    """The processes that were started in a folder, written down as they are."""

    def __init__(self, file: IO[str], folder: Path) -> None:
        self._file = file
        self._folder = folder
        self._turn = threading.Lock()
        self._began: dict[str, float] = self._read()

    def note(self, pid: int | None) -> None:
        """Write a process down; those that are gone are forgotten."""
        with self._turn:
            self._began = {each: at for each, at in self._began.items() if began(int(each)) == at}
            if pid is not None and (at := began(pid)) is not None:
                self._began[str(pid)] = at
            self._file.seek(0)
            self._file.truncate()
            json.dump(self._began, self._file)
            self._file.flush()

    def kill(self) -> int:
        """Kill those that still run, with all they started; return how many they were.

        One that was being made when its supervisor was killed is not written down: it is known by
        what it was told.
        """
        noted = {int(pid) for pid, at in self._began.items() if began(int(pid)) == at}
        told = told_of(
            (
                f"{SUPERVISED}={self._folder / 'logs'}",
                str(self._folder / "kafka" / "server.properties"),
                str(self._folder / "postgres" / "data"),
            )
        )
        left = noted.union(told)
        for pid in left:
            with suppress(ProcessLookupError):
                if os.getpgid(pid) == pid:  # with all that it has started
                    os.killpg(pid, signal.SIGKILL)
                else:
                    os.kill(pid, signal.SIGKILL)
        until_gone(left)
        return len(left)

    def _read(self) -> dict[str, float]:
        self._file.seek(0)
        try:
            return {str(pid): float(at) for pid, at in json.load(self._file).items()}
        except (ValueError, AttributeError, TypeError):  # new, or cut off in the middle
            return {}


@contextmanager
def alone_in(folder: Path) -> Iterator[Children]:
    """Hold the folder against any other supervisor; raises CannotStart where one has it."""
    with (folder / NAME).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(
                f"A distributed house runs in {folder} already; stop that one first."
            ) from error
        yield Children(file, folder)
