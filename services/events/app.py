"""The events service, put together."""

from pathlib import Path

from services.events.api import routers
from services.events.contacts import Contacts
from services.events.handlers.arrivals import send_links, take_in
from services.events.handlers.attendance import close_attendance_in_time, forget_needs
from services.events.handlers.cancellations import end_registrations, expire_registration
from services.events.messages import erasures, organisations, rooms
from services.events.persons import Persons
from services.events.rules.places import GroupTooLarge
from services.events.rules.programme import EventIncoherent
from shared.clock import Clock
from shared.messaging.broker import Bus
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.service import Parts, Service
from shared.settings import ServiceSettings
from shared.store import scrub

PARTS = Parts(
    name="events",
    migrations=Path(__file__).parent / "migrations",
    routers=routers,
    subscriptions=[organisations, rooms, erasures],
    tasks={
        "take-in": take_in,
        "send-links": send_links,
        "expire-registration": expire_registration,
        "end-registrations": end_registrations,
        "close-attendance": close_attendance_in_time,
        "forget-needs": forget_needs,
    },
    jobs={scrub.KIND: scrub.scrubs("registration", "contact", "need")},
    problems={EventIncoherent: 422, GroupTooLarge: 422},
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
    """Return the service; it starts when told to."""
    return Service(
        PARTS,
        settings=settings,
        clock=clock,
        bus=bus,
        inner_key=keyring.inner_key(),
        metrics=metrics,
        behind_gateway=behind_gateway,
        provide=[
            Contacts(keyring.sealer(), keyring.links(), settings.source),
            Persons(keyring),
            keyring.erasure_key(),
        ],
    )
