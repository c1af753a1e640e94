"""Erasing a person from letters: at once, whoever was in the middle of it, and for ever."""

import asyncio
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from services.notifications.handlers.deliveries import Postman
from services.notifications.models import Suppression
from shared.contracts.booking import (
    BookingConfirmed,
    BookingContactErasureRequested,
)
from shared.contracts.events import (
    EventContactGiven,
    ManageLink,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationErasureRequested,
)
from shared.contracts.notifications import RecipientErased
from shared.security.erasure import BOOKING, REGISTRATION
from shared.store.plumbing import dead_letter, due, waiting
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.notifications.scene import NOON, Scene, booking, event, fact, room, scene

pytestmark = pytest.mark.anyio
ASA = "asa@example.org"


def erasure(s: Scene, registration_id: str = "r1") -> RegistrationErasureRequested:
    """Return the wish to erase who a registration is."""
    key = s.it.keyring.erasure_key()
    return RegistrationErasureRequested(erasure_id=key.of(REGISTRATION, registration_id))


async def later(s: Scene) -> None:
    """Let the minute pass after which what was under way is looked at again."""
    s.clock.move(s.clock.now() + timedelta(minutes=5))
    await s.it.quiet()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_nothing_is_left_of_the_person(
    make_url: MakeUrl, tmp_path: Path, dialect: str
) -> None:
    """Contact, mails and what deliveries tell of the address go; others' stay; it is answered."""
    async with scene(make_url, tmp_path, dialect=dialect) as s:
        await s.hear(event())
        await s.hear(s.contact("r1"), fact(RegistrationConfirmed, "r1"))
        await s.hear(s.contact("r2", email="b@example.org"), fact(RegistrationConfirmed, "r2"))
        links = [ManageLink(event_id="event-1", registration_id="r1", manage_token="t")]
        await s.hear(s.contact("own-id", purpose="links", links=links))
        assert len(s.mails()) == 3
        marks = {each.address_mark for each in await s.deliveries()}
        async with s.it.service.store.work() as work:
            for mark in marks:
                work.add(Suppression(mark=mark or "", reach="optional", since=NOON))
        for _ in range(2):
            await s.hear(erasure(s))
        await later(s)
        (left,) = s.mails()
        assert left["To"].addresses[0].addr_spec == "b@example.org"
        assert [each.email for each in await s.contacts()] == [None, "b@example.org"]
        mine = [each for each in await s.deliveries() if each.address_mark is None]
        assert len(mine) == 2
        assert all(each.recipient_hash == f"erased-{each.id}" for each in mine)
        assert all((each.about, each.letter) == (None, None) for each in mine)
        async with s.it.service.store.read() as reader:
            assert set(await reader.scalars(select(due.c.kind))) == {"forget"}, "all was done"
        (answer,) = await s.it.published(RecipientErased)
        assert answer.erasure_id == erasure(s).erasure_id
        assert answer.removed == {"contacts": 1, "deliveries": 2, "suppressions": 1}
        async with s.it.service.store.read() as reader:
            assert len((await reader.scalars(select(col(Suppression.mark)))).all()) == 1


@pytest.mark.parametrize("order", ["before", "after"])
async def test_a_contact_that_comes_late_is_not_taken(
    make_url: MakeUrl, tmp_path: Path, order: str
) -> None:
    """Heard after the erasure, or replayed long after, a contact is passed over; no letter."""
    async with scene(make_url, tmp_path) as s:
        await s.hear(event())
        if order == "before":
            await s.hear(s.contact("r1"), fact(RegistrationConfirmed, "r1"))
        await s.hear(erasure(s))
        await later(s)
        links = [ManageLink(event_id="event-1", registration_id="r1", manage_token="t")]
        for purpose in ("links", "already-registered"):
            await s.hear(s.contact(f"own-{purpose}", purpose=purpose, links=links))
        await s.hear(s.contact("r1"), fact(RegistrationConfirmed, "r1"))
        await s.forget_inbox()
        await s.repeat()
        await later(s)
        assert s.mails() == []
        assert [each.email for each in await s.contacts() if each.email] == []
        assert [each for each in await s.deliveries() if each.status == "queued"] == []


async def test_one_erased_link_leaves_the_others(make_url: MakeUrl, tmp_path: Path) -> None:
    """A letter with several links is written without those that were erased."""
    async with scene(make_url, tmp_path) as s:
        await s.hear(event(), erasure(s))
        links = [
            ManageLink(event_id="event-1", registration_id=each, manage_token=f"token-{each}")
            for each in ("r1", "r2")
        ]
        await s.hear(s.contact("own", purpose="links", links=links))
        (mail,) = s.mails()
        text = mail.as_string()
        assert "token-r2" in text
        assert "token-r1" not in text


async def test_a_letter_that_waits_is_withdrawn(make_url: MakeUrl, tmp_path: Path) -> None:
    """While mail cannot go out, the erased person's letter is given up; the other's goes later."""
    (tmp_path / "mail").write_text("in the way")
    async with scene(make_url, tmp_path) as s:
        await s.hear(event())
        await s.hear(s.contact("r1"), fact(RegistrationConfirmed, "r1"))
        await s.hear(s.contact("r2", email="b@example.org"), fact(RegistrationConfirmed, "r2"))
        await s.hear(erasure(s))
        assert [each.reason for each in await s.deliveries()] == ["withdrawn", None]
        (tmp_path / "mail").unlink()
        await later(s)
        (mail,) = s.mails()
        assert mail["To"].addresses[0].addr_spec == "b@example.org"


async def test_a_mail_that_is_being_written_goes_too(make_url: MakeUrl, tmp_path: Path) -> None:
    """A file that appears while the person is erased is removed when the minute is over."""
    async with scene(make_url, tmp_path) as s:
        post = s.it.service.store.need(Postman).post
        begun, go_on, send = asyncio.Event(), asyncio.Event(), post.send

        async def slowly(delivery_id: str, mail: EmailMessage) -> None:
            begun.set()
            await go_on.wait()
            await send(delivery_id, mail)

        post.send = slowly  # type: ignore[method-assign]  # the same, only later
        await s.hear(event())
        await s.it.hear(s.contact("r1"), fact(RegistrationConfirmed, "r1"))
        await begun.wait()
        await s.it.hear(erasure(s))
        while not await s.it.published(RecipientErased):
            await asyncio.sleep(0.01)
        go_on.set()
        await s.it.quiet()
        await later(s)
        assert s.mails() == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_what_waits_or_is_parked_goes_too(
    make_url: MakeUrl, tmp_path: Path, dialect: str
) -> None:
    """A sealed contact that waits for its event, or lies with the dead letters, is deleted."""
    async with scene(make_url, tmp_path, dialect=dialect) as s:
        await s.hear(event())
        await s.hear(s.contact("r1"), fact(RegistrationConfirmed, "r1"))
        links = [ManageLink(event_id="unheard-of", registration_id="r1", manage_token="t")]
        await s.hear(s.contact("own", purpose="links", links=links))
        await s.hear(s.contact("r2", purpose="already-registered", event_id="unheard-of"))
        unsealed = EventContactGiven(registration_id="r1", sealed="not.sealed.at.all")
        await s.hear(unsealed)
        async with s.it.service.store.read() as reader:
            assert len((await reader.execute(select(waiting))).all()) == 2
            assert len((await reader.execute(select(dead_letter))).all()) == 1
        await s.hear(erasure(s))
        async with s.it.service.store.read() as reader:
            assert (await reader.execute(select(waiting))).all() == []
            assert (await reader.execute(select(dead_letter))).all() == []


async def test_the_contact_of_a_booking_is_erased_alike(make_url: MakeUrl, tmp_path: Path) -> None:
    """Asked for by booking, the person goes from contacts and mails; others stay."""
    async with scene(make_url, tmp_path) as s:
        await s.hear(room())
        await s.hear(s.booking_contact("b1"), booking(BookingConfirmed))
        await s.hear(s.booking_contact("b2", email="b@example.org"))
        await s.hear(booking(BookingConfirmed, "b2"))
        assert len(s.mails()) == 2
        key = s.it.keyring.erasure_key()
        await s.hear(BookingContactErasureRequested(erasure_id=key.of(BOOKING, "b1")))
        await later(s)
        (left,) = s.mails()
        assert left["To"].addresses[0].addr_spec == "b@example.org"
        assert [each.email for each in await s.contacts()] == [None, "b@example.org"]


async def test_a_silent_cancellation_first_changes_nothing(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """Where the cancellation comes before the erasure, mails and deliveries are found too."""
    async with scene(make_url, tmp_path) as s:
        await s.hear(event())
        await s.hear(s.contact("r1"), fact(RegistrationConfirmed, "r1"))
        ended = fact(RegistrationCancelled, "r1", reason="erased", was="confirmed")
        await s.hear(ended.model_copy(update={"contact_given": False}), sequence=2)
        await s.hear(erasure(s))
        await later(s)
        assert s.mails() == []
        assert {each.address_mark for each in await s.deliveries()} == {None}


async def test_a_restored_store_sends_nothing_before_it_has_heard(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """A letter that waits in a store from before the erasure is not sent at the next start."""
    url = await make_url("sqlite")

    async def same(_: str) -> str:
        return url

    blocked = tmp_path / "mail"
    blocked.write_text("in the way")
    async with scene(same, tmp_path) as s:
        await s.hear(event())
        await s.hear(s.contact("r1"), fact(RegistrationConfirmed, "r1"))
        (queued,) = await s.deliveries()
        assert queued.status == "queued"
        wish = erasure(s)
    async with scene(make_url, tmp_path) as elsewhere:
        await elsewhere.it.hear(wish)
        await elsewhere.it.quiet()
    blocked.unlink()
    async with scene(same, tmp_path, at=NOON + timedelta(hours=1)) as s:
        await s.it.quiet()
        assert s.mails() == []
        (withdrawn,) = await s.deliveries()
        assert (withdrawn.status, withdrawn.reason) == ("failed", "withdrawn")
        assert ASA not in str([each.email for each in await s.contacts()])


async def test_mails_die_with_their_deliveries(make_url: MakeUrl, tmp_path: Path) -> None:
    """A file lies here for as long as something tells whose it is, and no longer."""
    async with scene(make_url, tmp_path) as s:
        await s.hear(event())
        await s.hear(s.contact("r1"), fact(RegistrationConfirmed, "r1"))
        await s.move(timedelta(days=89))
        assert len(s.mails()) == 1
        await s.move(timedelta(days=3))
        assert s.mails() == []
        assert await s.deliveries() == []
