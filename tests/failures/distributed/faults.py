"""Ends and pauses of processes at random instants, spread over the kinds of process."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum

from tests.failures.distributed.house import Standing
from tests.failures.distributed.traffic import Errands

WORK, PATIENCE_SECONDS = 5, 4.0
"""Between two faults so much is acknowledged, or so long is waited: a fault in a house where
everything is away already tells nothing. Many strike while the one before is still starting."""
PAUSES = (0.0, 0.8)
"""From then on, in seconds, to an instant that nobody chose."""
PAIRS, PAIRS_OF_FREEZES = 0.2, 0.6
"""How many faults strike two processes at once; they sleep long, so mostly not alone."""
FROZEN = (4.0, 8.0)
"""For how long a process is stopped: longer than its session with Kafka, which ends after 3 s."""


class Fault(StrEnum):
    """What is done to a process."""

    KILL = "SIGKILL of a process"
    STOP = "SIGTERM to a process"
    FREEZE = "SIGSTOP for longer than the session"


def bag(names: Sequence[str], dice: random.Random) -> Iterator[str]:
    """Return names without end, each as often as every other, in random order."""
    while True:
        yield from dice.sample(names, len(names))


class Faults:
    """Strikes the processes of a standing house while its traffic goes on."""

    def __init__(self, standing: Standing, traffic: Errands, dice: random.Random) -> None:
        self._standing = standing
        self._traffic = traffic
        self._dice = dice
        self._bag = bag(list(standing.run.processes), dice)
        self.struck: Counter[tuple[Fault, str]] = Counter()
        self.wrong: list[str] = []
        """What went wrong in ending a process."""

    async def strike(self, fault: Fault, times: int, only: str | None = None) -> None:
        """Strike so often, now and then two at once (`only` one process); return when done."""
        strike = {Fault.KILL: self._kill, Fault.STOP: self._stop, Fault.FREEZE: self._freeze}
        pairs = PAIRS_OF_FREEZES if fault is Fault.FREEZE else PAIRS
        left = times
        while left:
            await self._until_at_work()
            await asyncio.sleep(self._dice.uniform(*PAUSES))
            pair = 2 if left > 1 and self._dice.random() < pairs else 1
            names = {only or next(self._bag) for _ in range(pair)}
            await asyncio.gather(*(strike[fault](name) for name in sorted(names)))
            self.struck.update((fault, name) for name in sorted(names))
            left -= len(names)

    async def _until_at_work(self) -> None:
        wanted = self._traffic.acknowledged + WORK
        until = time.monotonic() + PATIENCE_SECONDS
        while self._traffic.acknowledged < wanted and time.monotonic() < until:
            await asyncio.sleep(0.02)

    async def _kill(self, name: str) -> None:
        """SIGKILL, and started again at once."""
        await asyncio.to_thread(self._standing.run.kill, name)
        await self._standing.launch(name)

    async def _stop(self, name: str) -> None:
        """SIGTERM when it is up: it ends by itself, with status 0, and is started again."""
        await self._standing.until_ready(name)
        status = await asyncio.to_thread(self._standing.run.stop_one, name)
        if status:
            self.wrong.append(f"unclean: {name} ended with {status} when it was stopped")
        await self._standing.launch(name)

    async def _freeze(self, name: str) -> None:
        """SIGSTOP for longer than the session with Kafka, then SIGCONT."""
        child = self._standing.run.processes[name].child
        assert child is not None
        os.kill(child.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(self._dice.uniform(*FROZEN))
        finally:
            os.kill(child.pid, signal.SIGCONT)
