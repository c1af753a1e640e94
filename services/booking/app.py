"""Wires booking."""

from pathlib import Path

from services.booking import api, rules
from services.booking.handlers.acquaintance import Acquaintance
from services.booking.handlers.bookings import LAPSE, NO_SHOW
from services.booking.handlers.decisions import lapse_request, note_no_show
from services.booking.messages import erasures, organisations, wishes
from shared.clock import Clock
from shared.messaging.broker import Bus
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.service import Parts, Service
from shared.settings import ServiceSettings
from shared.store import scrub

PARTS = Parts(
    name="booking",
    migrations=Path(__file__).parent / "migrations",
    routers=[api.router],
    subscriptions=[organisations, wishes, erasures],
    tasks={NO_SHOW: note_no_show, LAPSE: lapse_request},
    jobs={scrub.KIND: scrub.scrubs("contact")},
    problems={
        rules.RoomTaken: 409,
        rules.WrongState: 409,
        rules.NothingHere: 404,
        rules.Closed: 422,
        rules.Past: 422,
        rules.TooManyPeople: 422,
        rules.EndsBeforeStart: 422,
        rules.TooLong: 422,
        rules.InTheFuture: 422,
        rules.NeverOpen: 422,
        rules.UnknownRoom: 422,
        rules.UnknownVenue: 422,
        rules.UnknownOrganisation: 422,
    },
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
    """Return booking, not yet started."""
    return Service(
        PARTS,
        settings=settings,
        clock=clock,
        bus=bus,
        inner_key=keyring.inner_key(),
        metrics=metrics,
        behind_gateway=behind_gateway,
        provide=[keyring.sealer(), keyring.erasure_key(), Acquaintance()],
    )
