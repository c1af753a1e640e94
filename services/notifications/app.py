"""Notifications, wired: its door, its ears, its table of later, and the way its mails go."""

from pathlib import Path

from services.notifications.api import router, sheets_router
from services.notifications.gauges import show_waiting_ballots
from services.notifications.handlers.ballots import (
    NotHandedOut,
    SurveyIsClosed,
    TooFewBallots,
    end_survey_in_time,
    hand_out,
    remind,
)
from services.notifications.handlers.contacts import forget
from services.notifications.handlers.deliveries import Postman, erase_mail, send_mail
from services.notifications.handlers.erasure import erase_again
from services.notifications.handlers.moves import write_move_letters
from services.notifications.installation import Installation
from services.notifications.messages import ballots, erasures, letters, programme
from services.notifications.rehearsal import RehearsalInbox
from services.notifications.rules import NotABounce
from services.notifications.settings import Settings
from services.notifications.writing.farewell import Farewells
from services.notifications.writing.post import FolderPost, Post, SmtpPost
from services.notifications.writing.safe import Marks, Safe, derived
from shared.clock import Clock
from shared.messaging.broker import Bus
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.security.links import Links
from shared.service import Parts, Service
from shared.store import scrub

PARTS = Parts(
    name="notifications",
    migrations=Path(__file__).parent / "migrations",
    routers=[router, sheets_router],
    subscriptions=[letters, programme, ballots, erasures],
    tasks={
        "forget": forget,
        "hand-out": hand_out,
        "remind": remind,
        "tell-of-move": write_move_letters,
        "end-survey": end_survey_in_time,
        "erase-again": erase_again,
    },
    jobs={
        "send-mail": send_mail,
        "erase-mail": erase_mail,
        scrub.KIND: scrub.scrubs("contact", "delivery", "suppression", "ballot"),
    },
    gauges=[show_waiting_ballots],
    problems={SurveyIsClosed: 409, NotHandedOut: 409, TooFewBallots: 409, NotABounce: 422},
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
    """Return notifications; it alone opens sealed contacts and ballots."""
    for outcome in ("sent", "failed", "bounced"):
        metrics.mails.labels(outcome)  # shown as 0 from the start, or nobody sees the first rise
    key = keyring.notifications_key()
    safe, marks = Safe(key), Marks(key)
    house = Installation(source=settings.source, host=settings.host)
    # Signed with a key of its own: whoever writes letters need not be able to make other links.
    farewells = Farewells(Links(derived(key, b"farewells")), marks, settings.source)
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
            house,
            RehearsalInbox(None if settings.smtp_url else settings.data / "mail"),
            safe,
            marks,
            farewells,
            keyring.erasure_key(),
            Postman(_post(settings), house, safe, farewells, sender=settings.sender),
        ],
    )


def _post(settings: Settings) -> Post:
    if settings.smtp_url is None:
        return FolderPost(settings.data / "mail")
    return SmtpPost(
        settings.smtp_url.get_secret_value(), timeout_seconds=settings.smtp_timeout_seconds
    )
