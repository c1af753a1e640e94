"""A round of a campaign: a house of its own, faults in bouts, a rest and a judgement after each."""

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.failures.distributed.faults import Fault, Faults
from tests.failures.distributed.house import Standing, come_to_rest, standing, under_traffic
from tests.failures.distributed.relays import watched
from tests.failures.distributed.traffic import Errands
from tests.failures.distributed.year import live_on
from tests.failures.platform_campaign import scenery

Bout = tuple[Fault, int]


@dataclass
class Found:
    """What a campaign found."""

    wrong: dict[Fault, list[str]] = field(default_factory=lambda: {each: [] for each in Fault})
    """By the fault after which it was found."""
    checks: Counter[str] = field(default_factory=Counter)
    struck: Counter[tuple[Fault, str]] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: dict[Fault, float] = field(default_factory=dict)

    @property
    def all_wrong(self) -> list[str]:
        """Everything that was found, after whichever fault."""
        return [sentence for found in self.wrong.values() for sentence in found]

    def times(self, fault: Fault) -> int:
        """Return how often a fault struck."""
        return sum(count for (kind, _), count in self.struck.items() if kind is fault)


async def play(
    folder: Path,
    bouts: Sequence[Bout],
    seed: int,
    found: Found,
    *,
    replicas: Mapping[str, int] | None = None,
    **servers: Any,
) -> None:
    """Play a round in a house of its own; it ends where something is wrong, or with the year."""
    async with standing(folder, replicas=replicas, **servers) as house:
        traffic = Errands(await scenery(house.house), random.Random(f"{seed}:traffic"))
        faults = Faults(house, traffic, random.Random(seed))
        try:
            for fault, times in bouts:
                began = time.monotonic()
                await _strike(house, faults, traffic, found, fault, times)
                found.seconds[fault] = found.seconds.get(fault, 0.0) + time.monotonic() - began
                if found.wrong[fault]:
                    return
            found.wrong[Fault.KILL] += await live_on(house, traffic, faults)
            found.wrong[Fault.STOP] += await _end(house)
        finally:
            found.checks.update(house.checks)
            found.struck.update(faults.struck)
            found.outcomes.update(traffic.history.figures())


async def _strike(
    house: Standing, faults: Faults, traffic: Errands, found: Found, fault: Fault, times: int
) -> None:
    """Strike under traffic, bring the house to rest, and note what is wrong with it."""
    async with under_traffic(house, traffic), watched(house) as looks:
        await faults.strike(fault, times)
    found.checks["I16"] += looks.pairs
    if fault is Fault.STOP:
        found.checks["I26"] += times
    found.wrong[fault] += looks.wrong() + faults.wrong + await come_to_rest(house, traffic)


async def _end(house: Standing) -> list[str]:
    """Stop every process as an operator would; say which did not end cleanly."""
    statuses = await house.stop()
    house.checks["I26"] += len(statuses)
    return [f"unclean: {name} ended with {status}" for name, status in statuses.items() if status]
