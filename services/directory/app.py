"""Wires directory."""

from pathlib import Path

from services.directory.api import router
from services.directory.rules import AlreadyResident, City, Dissolved, OrganisationUnknown
from services.directory.settings import Settings
from shared.clock import Clock
from shared.messaging.broker import Bus
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.service import Parts, Service
from shared.settings import ServiceSettings

PARTS = Parts(
    name="directory",
    migrations=Path(__file__).parent / "migrations",
    routers=[router],
    problems={OrganisationUnknown: 404, AlreadyResident: 409, Dissolved: 409},
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
    """Return directory, not yet started."""
    own = settings if isinstance(settings, Settings) else Settings()
    return Service(
        PARTS,
        settings=settings,
        clock=clock,
        bus=bus,
        inner_key=keyring.inner_key(),
        metrics=metrics,
        behind_gateway=behind_gateway,
        provide=[City(own.zone())],
    )
