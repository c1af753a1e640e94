"""The toys of the next version as a process: as `tests.toy.process`, and how far the change is."""

import argparse
import asyncio
import sys
from functools import partial

from shared.clock import SystemClock
from shared.messaging.broker import Bus
from shared.observability.logs import configure_logs
from shared.service import Service
from tests.toy.contracts import use_topics_of_their_own
from tests.toy.house import make_service
from tests.toy.newer.ledger import Step, parts, subscription
from tests.toy.newer.lender import PARTS
from tests.toy.process import arguments, run


def services(step: Step, told: argparse.Namespace, bus: Bus) -> list[Service]:
    """Return the services of this process."""
    use_topics_of_their_own(told.mark)
    clock = SystemClock()
    if told.parts == "lender":
        return [make_service(PARTS, told.lender_url, bus, clock)]
    hears = subscription(f"lines{told.mark}", step)
    return [make_service(parts(hears, step), told.ledger_url, bus, clock)]


if __name__ == "__main__":
    configure_logs()
    step, *words = sys.argv[1:]
    asyncio.run(run(arguments(words), partial(services, Step(step))))
