"""Wires reporting."""

from pathlib import Path

from services.reporting.api import NotAcceptable, router
from services.reporting.messages import figures
from services.reporting.queries import YearBook
from shared.clock import Clock
from shared.messaging.broker import Bus
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.service import Parts, Service
from shared.settings import ServiceSettings

PARTS = Parts(
    name="reporting",
    migrations=Path(__file__).parent / "migrations",
    routers=[router],
    subscriptions=[figures],
    problems={NotAcceptable: 406},
    # Facts could be rebuilt, but nothing would notice that they must be: inbox and facts roll back
    # together at a power loss, while the group's offset lies with the bus and may not. A sync a
    # batch is the price of losing none.
    durable=True,
)


def create_service(
    settings: ServiceSettings,
    clock: Clock,
    bus: Bus,
    keyring: Keyring,
    metrics: Metrics,
    *,
    behind_gateway: bool = False,
) -> Service:
    """Return reporting, not yet started."""
    return Service(
        PARTS,
        settings=settings,
        clock=clock,
        bus=bus,
        inner_key=keyring.inner_key(),
        metrics=metrics,
        behind_gateway=behind_gateway,
        provide=[YearBook()],
    )
