"""Letters that come back, addresses that do not exist, and the way out of letters."""

from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from services.notifications.models import Suppression
from services.notifications.rules import is_no_address
from shared.contracts.events import (
    RegistrationAttended,
    RegistrationCancelled,
    RegistrationConfirmed,
)
from shared.contracts.notifications import DeliveryBounced, DeliveryFailed
from shared.security.principal import PUBLIC
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import key_with
from tests.notifications.scene import (
    Scene,
    attendance_closed,
    event,
    fact,
    html_of,
    invited,
    scene,
    text_of,
)

pytestmark = pytest.mark.anyio

ON_SQLITE = pytest.mark.parametrize("it", ["sqlite"], indirect=True)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(params=DIALECTS)
async def it(
    request: pytest.FixtureRequest, make_url: MakeUrl, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Run notifications with one letter sent, on either database."""
    async with scene(make_url, tmp_path, dialect=request.param) as running:
        await running.hear(event(), running.contact("r1"), fact(RegistrationConfirmed))
        yield running


_NOTIFICATION = """\
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: no-reply@test.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b0/mx.example"

--b0/mx.example
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example. Your message could not be delivered.

--b0/mx.example
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; asa@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 the answer of the other side

--b0/mx.example
Content-Type: {kind}

{returned}
--b0/mx.example--
"""


def notification(
    mail: EmailMessage,
    status: str,
    *,
    action: str = "failed",
    kind: str = "message/rfc822",
) -> bytes:
    """Return what a mail server writes back about a mail (RFC 3464)."""
    returned = mail.as_bytes().decode()
    if kind != "message/rfc822":
        returned = returned.partition("\n\n")[0]
    text = _NOTIFICATION.format(action=action, status=status, kind=kind, returned=returned)
    return text.replace("\n", "\r\n").encode()


async def tell(it: Scene, content: bytes, media_type: str = "message/rfc822") -> httpx2.Response:
    """Hand a notification to the door."""
    async with it.it.client(key_with("notifications:admin")) as client:
        return await client.post(
            "/v1/bounces", content=content, headers={"Content-Type": media_type}
        )


async def suppressed(it: Scene) -> list[tuple[str, str]]:
    """Return the marks that are suppressed, with how far."""
    async with it.it.service.store.read() as reader:
        return [(row.mark, row.reach) for row in await reader.scalars(select(Suppression))]


async def test_an_address_that_does_not_exist_is_not_written_to_again(it: Scene) -> None:
    """The letter has bounced, once, and the next one ends as failed without being sent."""
    (mail,) = it.mails()
    for _ in range(2):
        answer = await tell(it, notification(mail, "5.1.1"))
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "bounced"
    (told,) = await it.it.published(DeliveryBounced)
    assert told.delivery_id == mail["Message-ID"][1:-1].partition("@")[0]
    ((mark, reach),) = await suppressed(it)
    assert reach == "all"
    assert "asa" not in mark
    await it.hear(fact(RegistrationCancelled, was="confirmed"))
    assert len(it.mails()) == 1
    assert [each.reason for each in await it.it.published(DeliveryFailed)] == ["suppressed"]
    async with it.it.client(key_with("notifications:read")) as client:
        shown = (await client.get("/v1/deliveries?status=bounced")).json()["items"]
        assert [each["id"] for each in shown] == [told.delivery_id]


@ON_SQLITE
async def test_a_full_mailbox_is_written_to_again(it: Scene) -> None:
    """The letter has bounced; the address is one still."""
    answer = await tell(it, notification(it.mails()[0], "5.2.2"))
    assert (answer.json()["status"], answer.json()["reason"]) == ("bounced", "came-back")
    assert await suppressed(it) == []
    await it.hear(fact(RegistrationCancelled, was="confirmed"))
    assert len(it.mails()) == 2


@ON_SQLITE
async def test_headers_alone_are_enough(it: Scene) -> None:
    """Many servers send back only the headers of what they refused."""
    (mail,) = it.mails()
    answer = await tell(it, notification(mail, "5.1.1", kind="text/rfc822-headers"))
    assert answer.status_code == 200, answer.text


@ON_SQLITE
async def test_in_few_words(it: Scene) -> None:
    """By the delivery or the Message-ID; a soft one suppresses nothing, a hard one does."""
    (delivery,) = await it.deliveries()
    async with it.it.client(key_with("notifications:admin")) as client:
        soft = {"delivery_id": delivery.id, "kind": "soft"}
        assert (await client.post("/v1/bounces", json=soft)).json()["status"] == "bounced"
        assert await suppressed(it) == []
        hard = {"message_id": f"<{delivery.id}@test.example>"}
        assert (await client.post("/v1/bounces", json=hard)).status_code == 200
        assert len(await suppressed(it)) == 1
        assert len(await it.it.published(DeliveryBounced)) == 1


@ON_SQLITE
async def test_what_is_no_bounce_is_refused(it: Scene) -> None:
    """A delay, any other mail, rubbish, another house's letter, a caller without the scope."""
    (mail,) = it.mails()
    delayed = await tell(it, notification(mail, "4.4.1", action="delayed"))
    assert (delayed.status_code, delayed.json()["type"][-12:]) == (422, "not-a-bounce")
    assert (await tell(it, mail.as_bytes())).status_code == 422
    assert (await tell(it, b"\xff\x00" * 50)).status_code == 422
    assert (await tell(it, b"")).status_code == 422
    del mail["Message-ID"]
    mail["Message-ID"] = "<another@test.example>"
    assert (await tell(it, notification(mail, "5.1.1"))).status_code == 404
    assert (await tell(it, b"{}", "application/json")).status_code == 422
    assert (await tell(it, b"{", "application/json")).status_code in (400, 422)
    assert (await tell(it, b"x", "text/plain")).status_code == 415
    async with it.it.client(key_with("notifications:read")) as client:
        assert (await client.post("/v1/bounces", json={"delivery_id": "x"})).status_code == 403
    assert (await it.deliveries())[0].status == "sent"
    assert await suppressed(it) == []


@pytest.mark.parametrize(
    ("answer", "is_none"),
    [
        ("550 5.1.1 no such user", True),
        ("550 5.1.10 null MX", True),
        ("550 5.2.1 mailbox disabled", True),
        ("550 no such user", True),
        ("553 mailbox name not allowed", True),
        ("552 5.2.2 mailbox full", False),
        ("550 5.7.1 relaying denied", False),
        ("554 5.7.1 blocked", False),
        ("554 no", False),
        ("550 5.1.8 bad sender", False),
        ("5.1.1", True),
        ("5.0.0", False),
        ("", False),
    ],
)
def test_which_answers_mean_that_nobody_is_there(answer: str, is_none: bool) -> None:
    """Only what is about the recipient's address ends letters to it."""
    assert is_no_address(answer) is is_none


async def ask(it: Scene, registration: str, survey_id: str, event_id: str) -> None:
    """Let a registration come to an event and be asked what it thought."""
    await it.hear(event(event_id=event_id), it.contact(registration, event_id=event_id))
    more = {"contact_given": False, "event_id": event_id}
    await it.hear(fact(RegistrationAttended, registration, **more))
    made = it.ballots("s" * 43, survey_id=survey_id, event_id=event_id)
    await it.hear(attendance_closed(1, event_id), made)


async def test_one_click_ends_what_nobody_has_to_get(it: Scene) -> None:
    """Invitations to surveys carry the way out; after it there is none, but other letters go on."""
    await ask(it, "r5", "5f2c9c1e-6a1b-4c57-9d0e-0b8f4d8a7c22", "event-5")
    place = next(mail for mail in it.mails() if "plats" in mail["Subject"])
    assert place["List-Unsubscribe"] is None
    asked = next(mail for mail in it.mails() if "tyckte" in mail["Subject"])
    assert asked["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = asked["List-Unsubscribe"]
    assert address.startswith("<https://test.example/v1/unsubscriptions/link_")
    token = address[1:-1].rsplit("/", 1)[1]
    assert f"https://test.example/sv/u/{token}" in text_of(asked)
    assert f'href="https://test.example/sv/u/{token}"' in html_of(asked)
    assert "asa" not in address
    async with it.it.client(PUBLIC) as mail_program:
        path = f"/v1/unsubscriptions/{token}"
        looked = await mail_program.get(path)
        assert looked.headers["location"] == f"https://test.example/sv/u/{token}"
        assert await suppressed(it) == []  # a scanner that looks at links ends nothing
        empty = await mail_program.post(path, content=b"", headers=FORM)
        assert empty.status_code == 422
        click = b"List-Unsubscribe=One-Click"
        for _ in range(2):
            answer = await mail_program.post(path, content=click, headers=FORM)
            assert (answer.status_code, answer.content) == (204, b"")
        forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
        unknown = await mail_program.post(
            f"/v1/unsubscriptions/{forged}", content=click, headers=FORM
        )
        assert unknown.status_code == 404
        assert forged not in unknown.text
        page = await mail_program.post("/v1/unsubscriptions", json={"token": token})
        assert page.status_code == 204
        assert (
            await mail_program.post("/v1/unsubscriptions", json={"token": "x"})
        ).status_code == 404
    assert [reach for _, reach in await suppressed(it)] == ["optional"]
    before = len(it.mails())
    await it.move(timedelta(days=8))  # no reminder either
    await ask(it, "r6", "5f2c9c1e-6a1b-4c57-9d0e-0b8f4d8a7c23", "event-6")
    assert len(it.mails()) == before
    await it.hear(it.contact("r1"), fact(RegistrationCancelled, was="confirmed"))
    assert len(it.mails()) == before + 1
    assert len(invited(it.mails())) == 1


async def test_a_bounce_outlives_a_way_out(it: Scene) -> None:
    """Who is suppressed for all stays so when somebody clicks the link of an old letter."""
    await ask(it, "r5", "5f2c9c1e-6a1b-4c57-9d0e-0b8f4d8a7c22", "event-5")
    asked = next(mail for mail in it.mails() if "tyckte" in mail["Subject"])
    token = asked["List-Unsubscribe"][1:-1].rsplit("/", 1)[1]
    await tell(it, notification(asked, "5.1.1"))
    async with it.it.client(PUBLIC) as page:
        assert (await page.post("/v1/unsubscriptions", json={"token": token})).status_code == 204
    assert [reach for _, reach in await suppressed(it)] == ["all"]
