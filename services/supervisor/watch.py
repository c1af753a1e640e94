"""Watching a distributed house: what ends by itself is started again, until a signal comes."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

from services.process import CannotStart
from services.supervisor.house import Distributed, Tell
from services.supervisor.servers import Server, start

LOOK_EVERY_SECONDS: Final = 0.25
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
STEADY_SECONDS: Final = 30.0
"""Whatever has run so long is well again: its next end is its first."""
INTERRUPTED: Final = 130


class Signals:
    """The first signal asks the house to stop, the second one ends it at once.

    While it starts, the first is a KeyboardInterrupt, so that nothing more is started.
    """

    def __init__(self, house: Distributed) -> None:
        self.asked = threading.Event()
        self.is_starting = True
        self._house = house

    def come(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        if self.asked.is_set():
            self._when_known(self._end_at_once)
        elif self.is_starting:
            self.asked.set()
            self._when_known(_interrupt)
        self.asked.set()

    def _when_known(self, ask: Callable[[], None]) -> None:
        """Do it now, or once the child that is being made is known: nobody would end it."""
        if self._house.is_launching:
            self._house.interruption = ask
        else:
            ask()

    def _end_at_once(self) -> None:
        self._house.kill_at_once()
        os._exit(INTERRUPTED)


def _interrupt() -> None:
    raise KeyboardInterrupt


@contextmanager
def signals(house: Distributed) -> Iterator[Signals]:
    """Take Ctrl-C and SIGTERM from now on; afterwards they are taken as before."""
    taken = Signals(house)
    before = {
        number: signal.signal(number, taken.come) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield taken
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Patience:
    """How long to wait before something is started again: twice as long each time."""

    pause: float = FIRST_PAUSE_SECONDS
    again_at: float = 0.0
    started_at: float = field(default_factory=time.monotonic)
    is_told: bool = False

    def ended(self, now: float) -> float:
        """Note that it has ended; return how long it is left alone."""
        if now - self.started_at > STEADY_SECONDS:
            self.pause = FIRST_PAUSE_SECONDS
        pause, self.pause = self.pause, min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        self.again_at, self.is_told = now + pause, True
        return pause

    def started(self, now: float) -> None:
        """Note that it was started again."""
        self.started_at, self.is_told = now, False


class Watch:
    """Looks after the servers and processes of a house; each end is told in a line."""

    def __init__(self, house: Distributed, tell: Tell) -> None:
        self._house = house
        self._tell = tell
        names = [*house.servers, *(each.name for each in house.everything)]
        self._patience = {name: Patience() for name in names}

    def look(self) -> None:
        """Start again what has ended by itself and was left alone long enough."""
        for name, server in self._house.servers.items():
            if not server.is_running and self._is_time(name, ""):
                self._start_server(name, server)
        for process in self._house.everything:
            if process.wanted and not process.runs:
                status = process.child.returncode if process.child else None
                if self._is_time(process.name, f" (status {status}; its log is {process.log})"):
                    self._house.launch_process(process)

    def _is_time(self, name: str, how: str) -> bool:
        patience, now = self._patience[name], time.monotonic()
        if not patience.is_told:
            pause = patience.ended(now)
            self._tell(f"{name} has ended by itself{how}; started again in {pause:g} s.")
        if now < patience.again_at:
            return False
        patience.started(now)
        return True

    def _start_server(self, name: str, server: Server) -> None:
        try:
            start([server], self._house.noted)
        except CannotStart as error:
            self._tell(f"{name} could not be started again. {error}")


def until_stopped(house: Distributed, asked: threading.Event, tell: Tell) -> None:
    """Watch the house until somebody asks for its end."""
    watch = Watch(house, tell)
    while not asked.wait(LOOK_EVERY_SECONDS):
        watch.look()
