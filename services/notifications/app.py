"""Notifications, wired: its door, its ears, its table of later, and the way its mails go."""

from pathlib import Path

from services.notifications.api import router
from services.notifications.handlers.contacts import forget
from services.notifications.handlers.deliveries import Postman, send_mail
from services.notifications.messages import Installation, letters, programme
from services.notifications.settings import Settings
from services.notifications.writing.post import FolderPost, Post, SmtpPost
from shared.clock import Clock
from shared.messaging.broker import Bus
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.service import Parts, Service

PARTS = Parts(
    name="notifications",
    migrations=Path(__file__).parent / "migrations",
    routers=[router],
    subscriptions=[letters, programme],
    tasks={"forget": forget},
    jobs={"send-mail": send_mail},
)


def create_service(
    settings: Settings,
    clock: Clock,
    bus: Bus,
    keyring: Keyring,
    metrics: Metrics,
    *,
    behind_gateway: bool = False,
) -> Service:
    """Return notifications; it alone opens sealed contacts."""
    return Service(
        PARTS,
        settings=settings,
        clock=clock,
        bus=bus,
        inner_key=keyring.inner_key(),
        metrics=metrics,
        behind_gateway=behind_gateway,
        provide=[
            keyring.opener(),
            Installation(source=settings.source, host=settings.host),
            Postman(_post(settings), sender=settings.sender, host=settings.host),
        ],
    )


def _post(settings: Settings) -> Post:
    if settings.smtp_url is None:
        return FolderPost(settings.data / "mail")
    return SmtpPost(
        settings.smtp_url.get_secret_value(), timeout_seconds=settings.smtp_timeout_seconds
    )
