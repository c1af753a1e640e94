"""The toys as a process, to be killed: whole or in parts, sound or with one planted bug."""

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import uvicorn

from shared.clock import SystemClock
from shared.messaging.broker import Bus
from shared.observability.logs import configure_logs
from shared.service import Service
from shared.store.engines import StoreUnusable
from shared.testing.ports import free_port
from tests.toy.bugs import BUGS
from tests.toy.contracts import topics, use_topics_of_their_own
from tests.toy.house import make_bus, make_service
from tests.toy.ledger.service import Weather, parts, subscription
from tests.toy.lender.service import PARTS, Shelf

SHELVES = {"s": 1_000_000, "few": 60}
"""The shelves and their capacities: one that never fills, one that does."""


class _Server(uvicorn.Server):
    """uvicorn, leaving the signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--bus", default="embedded", help="embedded, or the address of a Kafka")
    parser.add_argument("--parts", default="lender,ledger")
    parser.add_argument("--lender-url", default="sqlite:///{data}/lender.sqlite")
    parser.add_argument("--ledger-url", default="sqlite:///{data}/ledger.sqlite")
    parser.add_argument("--mark", default="", help="makes names on a shared bus one's own")
    parser.add_argument("--instance", default="", help="which of several processes this is")
    parser.add_argument("--session-seconds", type=float, default=10.0)
    parser.add_argument("--bug", choices=sorted(BUGS))
    return parser.parse_args(words)


def services(told: argparse.Namespace, bus: Bus) -> list[Service]:
    """Return the services of this process, and make the topics their messages go to."""
    clock = SystemClock()
    wanted = told.parts.split(",")
    made = []
    member = {"instance": told.instance, "session_seconds": told.session_seconds}
    if told.mark:
        use_topics_of_their_own(told.mark)
    if "lender" in wanted:
        url = told.lender_url.replace("{data}", str(told.data))
        made.append(make_service(replace(PARTS), url, bus, clock, **member))
    if "ledger" in wanted:
        url = told.ledger_url.replace("{data}", str(told.data))
        hears = subscription(f"lines{told.mark}")
        made.append(make_service(parts(hears), url, bus, clock, Weather(), **member))
    if told.bug:
        BUGS[told.bug](made, bus)
    return made


async def fill_shelves(lender: Service) -> None:
    """Make the shelves where there are none; another process may do so at the same time."""
    for name, capacity in SHELVES.items():
        with contextlib.suppress(Exception):  # the other one was first
            async with lender.store.work() as work:
                if await work.get(Shelf, name) is None:
                    work.add(Shelf(id=name, capacity=capacity, taken=0))


Make = Callable[[argparse.Namespace, Bus], list[Service]]


async def run(told: argparse.Namespace, make: Make = services) -> None:
    """Serve what `make` makes until SIGTERM."""
    bus = make_bus(told.bus, told.data)
    await bus.start()
    made = make(told, bus)
    dead = [each.dead_letters for service in made for each in service.parts.subscriptions]
    await bus.declare([*topics(), *dead])
    await asyncio.gather(*(service.start() for service in made))
    for service in made:
        if service.name == "lender":
            await fill_shelves(service)
    front, *others = made
    for service in others:
        front.app.mount(f"/{service.name}", service.app)
    config = uvicorn.Config(
        front.app,
        port=told.port or free_port(),
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=15,
    )
    server = _Server(config)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, setattr, server, "should_exit", 1)
    await server.serve()
    await asyncio.gather(*(service.stop() for service in made))
    await bus.stop()


if __name__ == "__main__":
    configure_logs()
    try:
        asyncio.run(run(arguments()))
    except StoreUnusable as error:
        raise SystemExit(str(error)) from error
