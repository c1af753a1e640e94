"""Letters over SMTP: sent once, retried while that is harmless, in doubt where it is not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import update

from services.notifications.models import Delivery
from shared.contracts.events import (
    RegistrationAttended,
    RegistrationCancelled,
    RegistrationConfirmed,
)
from shared.contracts.notifications import DeliveryBounced, DeliveryFailed, DeliverySent
from shared.store.plumbing import due
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.notifications.scene import (
    NOON,
    Scene,
    attendance_closed,
    event,
    fact,
    parsed,
    scene,
    survey_closed,
)

pytestmark = pytest.mark.anyio

ON_SQLITE = pytest.mark.parametrize("it", ["sqlite"], indirect=True)


class Server:
    """A mail server on this loop that answers as it is told."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.recipient_answers: list[str] = []
        self.mood = "good"
        self.port = 0
        self.let_go = asyncio.Event()

    async def handle_RCPT(  # noqa: N802 -- the server's word
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient_answers:
            return self.recipient_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- the server's word
        assert envelope.mail_from is not None
        assert isinstance(envelope.content, bytes)
        if self.mood == "busy":
            return "451 later"
        if self.mood == "strict":
            return "554 no"
        self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        if self.mood == "drops":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if self.mood == "hangs":
            await self.let_go.wait()
        return "250 OK"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Run a mail server."""
    handler = Server()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: SMTP(handler, hostname="mx"), "127.0.0.1", 0)
    handler.port = listening.sockets[0].getsockname()[1]
    yield handler
    handler.let_go.set()
    listening.close()


@pytest.fixture(params=DIALECTS)
async def it(
    request: pytest.FixtureRequest, server: Server, make_url: MakeUrl, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Run notifications with that mail server, on either database."""
    options: dict[str, Any] = {
        "SMTP_URL": f"smtp://127.0.0.1:{server.port}",
        "smtp_timeout_seconds": 0.5,
    }
    async with scene(make_url, tmp_path, dialect=request.param, **options) as running:
        yield running


async def write_one(it: Scene) -> None:
    """Cause one letter."""
    await it.hear(event(), it.contact("r1"), fact(RegistrationConfirmed))


async def outcome(it: Scene) -> tuple[str, str | None, int]:
    """Return what became of the one letter."""
    (delivery,) = await it.deliveries()
    return delivery.status, delivery.reason, delivery.attempts


async def wait_and_try(it: Scene, pause: timedelta) -> None:
    """Let domain time pass."""
    it.clock.move(it.clock.now() + pause)
    await it.it.quiet()


async def test_a_letter_is_sent(it: Scene, server: Server) -> None:
    """The server gets one mail for one recipient, and the letter is wiped."""
    await write_one(it)
    ((sender, recipients, content),) = server.taken
    assert (sender, recipients) == ("no-reply@test.example", ["asa@example.org"])
    (delivery,) = await it.deliveries()
    assert parsed(content)["Message-ID"] == f"<{delivery.id}@test.example>"
    assert (delivery.status, delivery.letter, delivery.sent_at) == ("sent", None, NOON)
    (told,) = await it.it.published()
    assert told == DeliverySent(
        delivery_id=delivery.id,
        message_id=delivery.message_id,
        template="registration-confirmed",
        channel="email",
        attempts=1,
    )
    mails = it.it.service.metrics.mails
    assert mails.labels("sent")._value.get() == 1


async def test_a_temporary_refusal_is_tried_again(it: Scene, server: Server) -> None:
    """Greylisted at the recipient, busy at the text, then taken: one mail."""
    server.recipient_answers = ["450 greylisted"]
    await write_one(it)
    assert await outcome(it) == ("queued", None, 1)
    server.mood = "busy"
    await wait_and_try(it, timedelta(seconds=31))
    assert await outcome(it) == ("queued", None, 2)
    server.mood = "good"
    await wait_and_try(it, timedelta(seconds=61))
    assert await outcome(it) == ("sent", None, 3)
    assert len(server.taken) == 1


@ON_SQLITE
@pytest.mark.parametrize("where", ["recipient", "text"])
async def test_a_refusal_for_good_is_final(it: Scene, server: Server, where: str) -> None:
    """Answers of 500 and more end the letter at once, and say so."""
    if where == "recipient":
        server.recipient_answers = ["550 no such user"]
    else:
        server.mood = "strict"
    await write_one(it)
    assert await outcome(it) == ("failed", "refused", 1)
    (told,) = await it.it.published(DeliveryFailed)
    assert (told.reason, told.attempts) == ("refused", 1)
    assert server.taken == []


async def test_an_address_that_is_refused_is_not_tried_again(it: Scene, server: Server) -> None:
    """Nobody has it: the letter failed, that it bounced is told, and the next one is not sent."""
    server.recipient_answers = ["550 5.1.1 no such user"]
    await write_one(it)
    assert await outcome(it) == ("failed", "refused", 1)
    assert len(await it.it.published(DeliveryBounced)) == 1
    await it.hear(fact(RegistrationCancelled, was="confirmed"))
    reasons = [each.reason for each in await it.it.published(DeliveryFailed)]
    assert reasons == ["refused", "suppressed"]
    assert server.taken == []


@ON_SQLITE
async def test_a_refusal_of_us_is_no_bounce(it: Scene, server: Server) -> None:
    """A server that takes nothing from here says nothing about the address: the next one goes."""
    server.recipient_answers = ["550 5.7.1 relaying denied"]
    await write_one(it)
    assert await outcome(it) == ("failed", "refused", 1)
    assert await it.it.published(DeliveryBounced) == []
    await it.hear(fact(RegistrationCancelled, was="confirmed"))
    assert len(server.taken) == 1


async def test_an_hour_without_a_mail_server(it: Scene, server: Server) -> None:
    """Letters wait, invitations to a survey too, and each is sent once when it is back."""
    server.mood = "busy"
    await write_one(it)
    await it.hear(fact(RegistrationAttended, contact_given=False), sequence=2)
    await it.hear(attendance_closed(1), it.ballots("s" * 43))
    await it.move(timedelta(hours=1))
    assert server.taken == []
    assert {each.status for each in await it.deliveries()} == {"queued"}
    server.mood = "good"
    await it.move(timedelta(hours=2))
    assert {each.status for each in await it.deliveries()} == {"sent"}
    assert sorted(str(parsed(content)["Subject"]) for _, _, content in server.taken) == [
        "Du har en plats: Jämlik hälsa",
        "Vad tyckte du? Jämlik hälsa",
    ]


async def test_an_invitation_that_waited_for_too_long_is_dropped(it: Scene, server: Server) -> None:
    """A survey that closed meanwhile is not mentioned when the server is back."""
    server.mood = "busy"
    await it.hear(event(), it.contact("r1"), fact(RegistrationAttended, contact_given=False))
    await it.hear(attendance_closed(1), it.ballots("s" * 43))
    await it.hear(survey_closed())
    server.mood = "good"
    await it.move(timedelta(days=1))
    assert server.taken == []
    assert await outcome(it) == ("failed", "withdrawn", 1)


@pytest.mark.parametrize("mood", ["drops", "hangs"])
async def test_silence_after_the_text_is_in_doubt(it: Scene, server: Server, mood: str) -> None:
    """Whether the mail went out cannot be known: it is not sent again, and that is visible."""
    server.mood = mood
    await write_one(it)
    assert await outcome(it) == ("failed", "in-doubt", 1)
    server.mood = "good"
    await wait_and_try(it, timedelta(hours=2))
    assert len(server.taken) == 1


@ON_SQLITE
async def test_a_letter_that_was_being_sent_is_in_doubt(it: Scene, server: Server) -> None:
    """A process that died between the first byte and the note leaves a letter nobody repeats."""
    server.recipient_answers = ["450 later"]
    await write_one(it)
    async with it.it.service.store.work() as work:
        await work.execute(update(Delivery).values(status="sending"))
    await wait_and_try(it, timedelta(seconds=31))
    assert await outcome(it) == ("failed", "in-doubt", 1)
    assert server.taken == []


async def test_a_server_that_is_away_is_tried_for_two_days(
    make_url: MakeUrl, tmp_path: Path, server: Server
) -> None:
    """The letter waits for the server with growing pauses, and is given up in the end."""
    options: dict[str, Any] = {"SMTP_URL": "smtp://127.0.0.1:9", "smtp_timeout_seconds": 0.5}
    async with scene(make_url, tmp_path, **options) as it:
        await write_one(it)
        assert (await outcome(it))[0] == "queued"
        for _ in range(60):
            await wait_and_try(it, timedelta(hours=1))
        status, reason, attempts = await outcome(it)
        assert (status, reason) == ("failed", "unreachable")
        assert attempts > 40
        async with it.it.service.store.read() as reader:
            kinds = [row.kind for row in await reader.execute(due.select())]
        assert "send-mail" not in kinds


async def test_an_erased_person_s_letter_is_withdrawn(it: Scene, server: Server) -> None:
    """What waits to be sent is given up, and its text is gone."""
    server.recipient_answers = ["450 later"]
    await write_one(it)
    await it.hear(fact(RegistrationCancelled, was="confirmed", reason="erased"))
    (delivery,) = await it.deliveries()
    assert (delivery.status, delivery.reason, delivery.letter) == ("failed", "withdrawn", None)
    await wait_and_try(it, timedelta(hours=1))
    assert server.taken == []


async def test_stopping_ends_what_was_begun(
    make_url: MakeUrl, tmp_path: Path, server: Server
) -> None:
    """A service that stops while the server thinks notes the answer before it is gone."""
    server.mood = "hangs"
    url = await make_url("sqlite")

    async def same(_: str) -> str:
        return url

    options: dict[str, Any] = {
        "SMTP_URL": f"smtp://127.0.0.1:{server.port}",
        "smtp_timeout_seconds": 1,
    }
    async with scene(same, tmp_path, **options) as it:
        await it.it.hear(event(), it.contact("r1"), fact(RegistrationConfirmed), sequence=1)
        while not server.taken:
            await asyncio.sleep(0.01)
    async with scene(same, tmp_path, **options) as it:
        assert await outcome(it) == ("failed", "in-doubt", 1)
