"""The house on one page: its services, wired in one process or in many."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from services.backup.marks import refuse_unfinished, watch_age
from services.booking.app import create_service as booking
from services.directory.app import create_service as directory
from services.directory.settings import Settings as DirectorySettings
from services.events.app import create_service as events
from services.gateway.app import create_service as gateway
from services.gateway.settings import Settings as GatewaySettings
from services.notifications.app import create_service as notifications
from services.notifications.settings import Settings as NotificationsSettings
from services.reporting.app import create_service as reporting
from services.settings import ProcessSettings
from services.surveys.app import create_service as surveys
from services.web.app import Web
from services.web.app import create_service as web
from services.web.settings import Settings as WebSettings
from shared.clock import Clock, ReplayClock, SystemClock
from shared.contracts.every import CONTRACTS
from shared.contracts.topics import TOPICS, Topic
from shared.messaging.broker import Bus, EmbeddedBus, KafkaBus
from shared.messaging.embedded.log import EmbeddedLog
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.service import Service
from shared.settings import ServiceSettings

DOMAIN: dict[str, tuple[Callable[..., Service], type[ServiceSettings]]] = {
    "directory": (directory, DirectorySettings),
    "booking": (booking, ServiceSettings),
    "events": (events, ServiceSettings),
    "surveys": (surveys, ServiceSettings),
    "notifications": (notifications, NotificationsSettings),
    "reporting": (reporting, ServiceSettings),
}
"""Every service behind the gateway, in the order in which they are told of."""

BEHIND = (*DOMAIN, "web")
"""Everything behind the gateway: web has pages, and neither store nor messages."""

SERVICES = (*BEHIND, "gateway")
"""Every service that can be started alone."""

WITH_STORE = (*DOMAIN, "gateway")
"""Every service that has a database of its own."""


@dataclass
class House:
    """Services that run in this process, and what they share."""

    bus: Bus
    clock: Clock
    services: list[Service]
    front: Service
    """The service whose app answers on this process's port."""

    async def start(self, *, migrate: bool = True) -> None:
        """Start the bus, make the topics, then the services; raises what keeps them from it."""
        await self.bus.start()
        try:
            await self.bus.declare(every_topic(self.services))
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

    front: Web

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
    pages = web(process.share(WebSettings), clock, keyring, metrics, behind_gateway=True)
    front = gateway(
        process.share(GatewaySettings),
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
    if name == "web":
        settings = process.share(WebSettings)
        return Pages(web(settings, _clock(process), process.keyring(), Metrics()))
    clock, bus, keyring, metrics = _shared(process)
    if name == "gateway":
        front = gateway(
            process.share(GatewaySettings),
            clock,
            bus,
            keyring,
            metrics,
            addresses=process.addresses(BEHIND),
        )
    else:
        create, kind = DOMAIN[name]
        front = create(process.share(kind), clock, bus, keyring, metrics)
    return House(bus, clock, [front], front)


def every_topic(services: list[Service]) -> list[Topic]:
    """Return the one list of topics, and the dead-letter topics of these services."""
    subscriptions = [each for service in services for each in service.parts.subscriptions]
    return [*TOPICS.values(), *(each.dead_letters for each in subscriptions)]


def _shared(process: ProcessSettings) -> tuple[Clock, Bus, Keyring, Metrics]:
    assert CONTRACTS  # importing it lets every message be decoded by its type
    refuse_unfinished(process.data)
    bus: Bus = (
        KafkaBus(process.kafka_bootstrap_servers)
        if process.kafka_bootstrap_servers
        else EmbeddedBus(EmbeddedLog(process.data / "log.sqlite"))
    )
    metrics = Metrics()
    watch_age(metrics, process.data)
    return _clock(process), bus, process.keyring(), metrics


def _clock(process: ProcessSettings) -> Clock:
    return ReplayClock(process.replay_from) if process.replay_from else SystemClock()
