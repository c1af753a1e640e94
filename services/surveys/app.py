"""Wires surveys."""

from pathlib import Path

from services.surveys import api
from services.surveys.box import BallotBoxes
from services.surveys.handlers.closing import (
    DESTROY_BOX,
    FORGET_WORDS,
    close_due,
    destroy_box,
    forget_words,
)
from services.surveys.handlers.openings import CLOSE
from services.surveys.messages import openings, programme
from services.surveys.rules import problems
from shared.clock import Clock
from shared.messaging.broker import Bus
from shared.observability.metrics import Metrics
from shared.security.keyring import Keyring
from shared.service import Parts, Service
from shared.settings import ServiceSettings
from shared.store import scrub

PARTS = Parts(
    name="surveys",
    migrations=Path(__file__).parent / "migrations",
    routers=[api.ballots, api.router],
    subscriptions=[programme, openings],
    tasks={CLOSE: close_due, DESTROY_BOX: destroy_box, FORGET_WORDS: forget_words},
    jobs={scrub.KIND: scrub.scrubs("words", "quote")},
    problems={
        problems.NothingHere: 404,
        problems.BallotUnknown: 404,
        problems.CodeUnknown: 404,
        problems.BallotSpent: 409,
        problems.SurveyClosed: 409,
        problems.SurveyOpen: 409,
        problems.TooFewAnswers: 409,
        problems.ResultGone: 409,
        problems.QuoteIsWithdrawn: 409,
        problems.Reworded: 422,
        problems.TooLongToQuote: 422,
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
    """Return surveys, not yet started."""
    return Service(
        PARTS,
        settings=settings,
        clock=clock,
        bus=bus,
        inner_key=keyring.inner_key(),
        metrics=metrics,
        behind_gateway=behind_gateway,
        provide=[keyring.sealer(), BallotBoxes(keyring)],
    )
