"""The house on one page: its services, wired in one process or in many."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from services.backup.marks import refuse_unfinished, watch_age
from services.settings import ProcessSettings
from shared.clock import Clock, ReplayClock, SystemClock
from shared.contracts.every import CONTRACTS
from shared.contracts.topics import TOPICS, Topic
from shared.messaging.broker import Bus, EmbeddedBus, KafkaBus
from shared.messaging.embedded.log import EmbeddedLog
from shared.messaging.principals import OURS
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.service import Parts, Service
from shared.settings import ServiceSettings

if TYPE_CHECKING:
    from services.web.app import Web

T = TypeVar("T")


class _Lookup(Mapping[str, T]):
    """Finds what is asked for of a service: a process has the code of what it runs, and no other.

    All services together weigh some 40 MiB, eight times over where each is its own process.
    """

    def __init__(self, names: tuple[str, ...], find: Callable[[str], T]) -> None:
        self._names = names
        self._find = find

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            raise KeyError(name)
        return self._find(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


Made = tuple[Callable[..., Any], type[ServiceSettings]]
"""What makes a service, and the class of the settings that it takes."""


def _made(name: str) -> Made:
    has_its_own = find_spec(f"services.{name}.settings") is not None
    settings = (
        import_module(f"services.{name}.settings").Settings if has_its_own else ServiceSettings
    )
    return import_module(f"services.{name}.app").create_service, settings


def _parts(name: str) -> Parts:
    parts: Parts = import_module(f"services.{name}.app").PARTS
    return parts


_DOMAIN = ("directory", "booking", "events", "surveys", "notifications", "reporting")

DOMAIN: Mapping[str, Made] = _Lookup(_DOMAIN, _made)
"""Every service behind the gateway, in the order in which they are told of."""

BEHIND = (*_DOMAIN, "web")
"""Everything behind the gateway: web has pages, and neither store nor messages."""

SERVICES = (*BEHIND, "gateway")
"""Every service that can be started alone."""

WITH_STORE = (*_DOMAIN, "gateway")
"""Every service that has a database of its own."""

PARTS: Mapping[str, Parts] = _Lookup(WITH_STORE, _parts)
"""What each of them is made of: among it, what it hears."""


@dataclass
class House:
    """Services that run in this process, and what they share."""

    bus: Bus
    clock: Clock
    services: list[Service]
    front: Service
    """The service whose app answers on this process's port."""
    is_whole: bool = True
    """Whether these are all services; else the others are other processes'."""

    async def start(self, *, migrate: bool = True) -> None:
        """Start the bus, then, once there are topics, the services; raises what keeps them from it.

        The whole house makes its topics. A service alone on Kafka has no right to: it waits.
        """
        await self.bus.start()
        try:
            if isinstance(self.bus, KafkaBus) and not self.is_whole:
                await self.bus.wait_for(topics_of(self.front.parts))
            else:
                await self.bus.declare(every_topic(PARTS.values()))
            await asyncio.gather(*(service.start(migrate=migrate) for service in self.services))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the services, then the bus."""
        await asyncio.gather(*(service.stop() for service in self.services))
        await self.bus.stop()


@dataclass
class Pages:
    """The pages alone in their process: they have neither store nor bus."""

    front: "Web"

    async def start(self, *, migrate: bool = True) -> None:
        """Nothing but the pages starts."""
        await self.front.start(migrate=migrate)

    async def stop(self) -> None:
        """Stop the pages."""
        await self.front.stop()


def whole_house(process: ProcessSettings) -> House:
    """Return all services in one process behind the gateway."""
    clock, bus, keyring, metrics = _shared(process)
    behind = {
        name: create(process.share(settings), clock, bus, keyring, metrics, behind_gateway=True)
        for name, (create, settings) in DOMAIN.items()
    }
    create, settings = _made("web")
    pages: Web = create(process.share(settings), clock, keyring, metrics, behind_gateway=True)
    create, settings = _made("gateway")
    front: Service = create(
        process.share(settings),
        clock,
        bus,
        keyring,
        metrics,
        services={**behind, pages.name: pages},
    )
    pages.reach(front.app)
    return House(bus, clock, [*behind.values(), front], front)


def one_service(name: str, process: ProcessSettings) -> House | Pages:
    """Return the service `name` alone in its process; the gateway reaches the others by HTTP."""
    create, settings = _made(name)
    if name == "web":
        return Pages(create(process.share(settings), _clock(process), process.keyring(), Metrics()))
    clock, bus, keyring, metrics = _shared(process)
    if name == "gateway":
        front = create(
            process.share(settings),
            clock,
            bus,
            keyring,
            metrics,
            addresses=process.addresses(BEHIND),
        )
    else:
        front = create(process.share(settings), clock, bus, keyring, metrics)
    return House(bus, clock, [front], front, is_whole=False)


def every_topic(parts: Iterable[Parts]) -> list[Topic]:
    """Return the one list of topics, and the dead-letter topics of these services."""
    subscriptions = [each for service in parts for each in service.subscriptions]
    return [*TOPICS.values(), *(each.dead_letters for each in subscriptions)]


def topics_of(parts: Parts) -> set[str]:
    """Return the names of the topics that a service writes or hears."""
    own = {
        each.name for each in every_topic([parts]) if each.name.startswith(f"{OURS}{parts.name}.")
    }
    return own.union(*(each.topics for each in parts.subscriptions))


def _shared(process: ProcessSettings) -> tuple[Clock, Bus, Keyring, Metrics]:
    assert CONTRACTS  # importing it lets every message be decoded by its type
    refuse_unfinished(process.data)
    bus: Bus = (
        KafkaBus(
            process.kafka_bootstrap_servers,
            credentials=process.credentials(),
            replicas=process.kafka_replicas,
            min_insync=process.kafka_min_insync,
        )
        if process.kafka_bootstrap_servers
        else EmbeddedBus(EmbeddedLog(process.data / "log.sqlite"))
    )
    metrics = Metrics()
    watch_age(metrics, process.data)
    return _clock(process), bus, process.keyring(), metrics


def _clock(process: ProcessSettings) -> Clock:
    return ReplayClock(process.replay_from) if process.replay_from else SystemClock()
