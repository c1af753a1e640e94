"""One registration, seen as a trace by whoever receives the spans of a real process."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.failures.processes import Child, ended
from tests.journeys.house import Caller, House, entered
from tests.journeys.journey import BEGIN, ENDS, STARTS, publish
from tests.observability.collector import Collector, Span, collecting

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"
SENTINEL = "5" * 32
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


class Mails:
    """A mail server that takes everything."""

    def __init__(self) -> None:
        self.port = 0
        self.taken = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- the server's word
        self.taken += 1
        return "250 OK"


@asynccontextmanager
async def mail_server() -> AsyncIterator[Mails]:
    mails = Mails()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: SMTP(mails, hostname="mx"), "127.0.0.1", 0)
    mails.port = listening.sockets[0].getsockname()[1]
    try:
        yield mails
    finally:
        listening.close()
        await listening.wait_closed()


@asynccontextmanager
async def platform(folder: Path, collector: Collector, **more: str) -> AsyncIterator[House]:
    """Run the embedded platform as a process that sends its spans; it must end cleanly."""
    child = Child(
        "services",
        log=folder / "log.txt",
        environment={
            "ANDAN_DATA": str(folder),
            "ANDAN_REPLAY_FROM": BEGIN.isoformat(),
            **collector.environment,
            **more,
        },
    )
    with ended(child):
        await child.start().until_ready()
        async with entered(child.url, folder, folder / "mail") as house:
            yield house
        assert child.terminate() == 0, child.said[-2000:]
    assert "Traceback" not in child.said
    assert "traces.away" not in child.said


def somebody(name: str) -> dict[str, object]:
    contact = {"email": f"{name}@example.org"}
    return {"name": name.title(), "contact": contact, "sector": "academia", "language": "en"}


async def register(desk: Caller, event_id: str, name: str, trace: str = GIVEN) -> str:
    """Register somebody at the desk, in a trace of ours."""
    path = f"/v1/events/{event_id}/registrations"
    answer = await desk.client.post(path, json=somebody(name), headers={"traceparent": trace})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def everything_so_far(house: House, collector: Collector) -> None:
    """Return once every span that has ended by now was received: they come in order."""
    seen = len(collector.of_trace(SENTINEL))
    headers = {"traceparent": f"00-{SENTINEL}-00f067aa0ba902b7-01"}
    answer = await (await house.caller()).client.get("/v1/events", headers=headers)
    assert answer.status_code == 200

    def told() -> bool:
        spans = collector.of_trace(SENTINEL)
        return len(spans) > seen and any(span.service == "andan-gateway" for span in spans[seen:])

    await asyncio.to_thread(collector.until, told)


def line_to(span: Span, spans: list[Span]) -> list[str]:
    """Return the way from the first span of a trace to this one, a word for each step."""
    by_id = {each.id: each for each in spans}
    steps = [span]
    while steps[0].parent_id in by_id:
        steps.insert(0, by_id[steps[0].parent_id])
    return [f"{each.service.removeprefix('andan-')} {each.kind} {each.name}" for each in steps]


@pytest.mark.timeout(240)
async def test_one_registration_is_one_trace(tmp_path: Path, collector: Collector) -> None:
    """From the gateway through outbox, topic and inbox to the mail server, each under its cause;
    the form's link and what people wrote are in none of the spans.
    """
    async with (
        mail_server() as mails,
        platform(tmp_path, collector, SMTP_URL=f"smtp://127.0.0.1:{mails.port}") as house,
    ):
        event_id = await publish(house)
        desk = await house.holder("registrations:write", "registrations:read")
        await register(desk, event_id, "amina")
        await house.rest()
        link = "a-token-that-nobody-should-see"
        await desk.client.get(f"/en/r/{link}?also={link}")
        await everything_so_far(house, collector)
    spans = collector.of_trace(TRACE)
    route = "POST /v1/events/{event_id}/registrations"
    (mail,) = (span for span in spans if span.kind == "CLIENT")
    topics = {"andan.events.registration.v1", "andan.events.contact.v1"}
    (topic,) = (each for each in topics if any(each in step for step in line_to(mail, spans)))
    assert line_to(mail, spans) == [
        f"gateway SERVER {route}",
        f"events SERVER {route}",
        f"events PRODUCER send {topic}",
        f"notifications CONSUMER process {topic}",
        "notifications INTERNAL send-mail",
        "notifications CLIENT send mail",
    ]
    assert mail.attributes["server.port"] == mails.port
    assert mail.attributes["network.protocol.name"] == "smtp"
    assert mails.taken == 1
    begun = [span for span in spans if span.parent_id not in {each.id for each in spans}]
    assert [(span.service, span.parent_id) for span in begun] == [
        ("andan-gateway", "00f067aa0ba902b7")
    ]
    assert {span.attributes["messaging.destination.name"] for span in _of(spans, "PRODUCER")} == {
        *topics,
        "andan.notifications.delivery.v1",
    }
    for span in _of(spans, "CONSUMER"):
        assert span.attributes["messaging.system"] == "kafka"
        assert span.attributes["messaging.consumer.group.name"].startswith("andan.")
        assert span.attributes["andan.outcome"] in ("handled", "waits")
        (cause,) = (each for each in spans if each.id == span.parent_id)
        assert cause.kind == "PRODUCER"
        told = "messaging.message.id"
        assert cause.attributes[told] == span.attributes[told]
    heard = {span.attributes["messaging.consumer.group.name"] for span in _of(spans, "CONSUMER")}
    assert heard == {"andan.notifications.letters", "andan.gateway.feed"}
    assert not any(span.is_error for span in spans)
    assert "GET /{lang}/r/{token}" in {span.name for span in collector.spans}
    for secret in (link, "amina", "Amina", "example.org", "also="):
        assert secret.encode() not in collector.raw


@pytest.mark.timeout(240)
async def test_answering_a_survey_leaves_no_span(tmp_path: Path, collector: Collector) -> None:
    """Neither the page with the questions nor an answer has one, in web, gateway or surveys, nor
    has anything else that is about a survey: not its letters, not its closing.
    """
    async with platform(tmp_path, collector) as house:
        event_id = await publish(house)
        desk = await house.holder("registrations:write", "attendance:write", "surveys:admin")
        people = {
            name: await register(desk, event_id, name, f"00-{number:032x}-00f067aa0ba902b7-01")
            for number, name in enumerate(("amina", "berit"), start=1)
        }
        await house.until(STARTS + timedelta(minutes=30))
        for registration_id in people.values():
            path = f"/v1/registrations/{registration_id}/attendance"
            await desk.post(path, {"attended": True}, expect=200)
        await house.until(ENDS + timedelta(days=4))
        ballots = {ballot.address: ballot for ballot in house.ballots()}
        assert len(ballots) == 2
        await everything_so_far(house, collector)
        before = len(collector.spans)
        public = (await house.caller()).client
        page = f"/sv/e/{ballots['amina@example.org'].token}"
        form = await public.get(page)
        assert form.status_code == 200
        said = {"rating": "5", "words": "Tack", "may_quote": "yes"}
        answer = await public.post(page, data=said | dict(HIDDEN.findall(form.text)))
        assert answer.status_code in (200, 303), answer.text
        survey = ballots["berit@example.org"].survey
        other = {"ballot": ballots["berit@example.org"].token, "rating": 3}
        for given in ({}, {"traceparent": GIVEN}):
            path = f"/v1/surveys/{survey}/answers"
            status = (await public.post(path, json=other, headers=given)).status_code
            assert status == (409 if given else 204)
        await everything_so_far(house, collector)
        assert {span.trace_id for span in collector.spans[before:]} == {SENTINEL}
        await desk.post(f"/v1/surveys/{survey}/closing", expect=200)
        await house.rest()
        await everything_so_far(house, collector)
    for span in collector.spans:
        told = f"{span.name} {' '.join(map(str, span.attributes.values()))}"
        assert "/surveys" not in told, told
        assert "andan.surveys.survey" not in told, told
        assert "ballot" not in told, told
        assert "quote" not in told, told
    for ballot in ballots.values():
        assert ballot.token.encode() not in collector.raw
        assert ballot.survey.encode() not in collector.raw


def _of(spans: list[Span], kind: str) -> list[Span]:
    return [span for span in spans if span.kind == kind]
