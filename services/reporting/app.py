"""Wires reporting."""

from pathlib import Path

from services.reporting.accept import NotAcceptable
from services.reporting.api import router
from services.reporting.handlers import (
    AMENDMENT,
    UNTOLD,
    NothingUnread,
    QuotesTold,
    YearNotBegun,
    amend_when_all_is_read,
    drop_untold_quotes,
)
from services.reporting.messages import figures
from services.reporting.queries import YearBook
from shared.clock import Clock
from shared.contracts.surveys import QuoteApproved
from shared.messaging.broker import Bus
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.service import Parts, Service
from shared.settings import ServiceSettings
from shared.store import scrub

PARTS = Parts(
    name="reporting",
    migrations=Path(__file__).parent / "migrations",
    routers=[router],
    subscriptions=[figures],
    jobs={
        AMENDMENT: amend_when_all_is_read,
        UNTOLD: drop_untold_quotes,
        scrub.KIND: scrub.scrubs("quote"),
    },
    problems={NotAcceptable: 406, YearNotBegun: 409},
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

    async def nothing_unread() -> bool:
        return not any((await bus.lag(figures.group, figures.topics)).values())

    async def quotes_told() -> frozenset[bytes] | None:
        return await bus.keys(QuoteApproved.topic)

    return Service(
        PARTS,
        settings=settings,
        clock=clock,
        bus=bus,
        inner_key=keyring.inner_key(),
        metrics=metrics,
        behind_gateway=behind_gateway,
        provide=[YearBook(), NothingUnread(nothing_unread), QuotesTold(quotes_told)],
    )
