"""Erasing a person: every registration of an address, in one call, and what stays true."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from services.events.handlers.erasure import KeepErased, keep_erased
from services.events.models import contact, need, registration
from shared.contracts.events import (
    EventContactGiven,
    PeopleCounted,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationErased,
    RegistrationErasureRequested,
)
from shared.security.erasure import REGISTRATION
from shared.store.plumbing import about, due, idempotency, outbox
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import key_with
from tests.events.scene import BEGINS, Scene, person, scene

pytestmark = pytest.mark.anyio


async def rows(s: Scene, table: Any, *conditions: Any) -> int:
    """Return how many rows of a table there are."""
    async with s.it.service.store.read() as reader:
        counted = select(func.count()).select_from(table).where(*conditions)
        return int(await reader.scalar(counted) or 0)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_one_call_erases_every_registration_of_the_address(
    make_url: MakeUrl, tmp_path: Path, dialect: str
) -> None:
    """Past and coming ones lose the person, places move on without a letter, others stay."""
    async with scene(make_url, tmp_path, dialect) as s:
        events = [await s.published(), await s.published(capacity=1, waiting_list=True)]
        spelled: dict[str, Any] = {"contact": {"email": "PERSON1@example.org"}, "name": "P. One"}
        needs = [{"kind": "food", "detail": "vegan"}]
        past = (await s.register(events[0], needs=needs))["id"]
        coming = (await s.register(events[1], **spelled))["id"]
        other = (await s.register(events[0], 2, needs=needs))["id"]
        behind = (await s.register(events[1], 3))["id"]
        await s.act(past, "attendance", {"attended": True})
        told = len(await s.it.published(EventContactGiven))
        async with s.link(past) as holder:
            first = await holder.post(f"/v1/registrations/{past}/erasure")
            assert (first.status_code, first.json()["status"]) == (200, "attended")
            again = await holder.post(f"/v1/registrations/{past}/erasure")
            assert (again.status_code, again.json()) == (200, first.json())
        await s.it.quiet()
        assert await s.status(coming) == ("cancelled", None)
        assert await s.status(behind) == ("confirmed", None)
        (ended,) = await s.it.published(RegistrationCancelled)
        assert (ended.reason, ended.contact_given) == ("erased", False)
        promoted = (await s.it.published(RegistrationConfirmed))[-1]
        assert (promoted.registration_id, promoted.promoted) == (behind, True)
        assert len(await s.it.published(EventContactGiven)) == told - 2 + 1
        key = s.it.keyring.erasure_key()
        asked = [each.erasure_id for each in await s.it.published(RegistrationErasureRequested)]
        assert sorted(asked) == sorted(key.of(REGISTRATION, each) for each in (past, coming))
        answers = {
            each.erasure_id: each.removed for each in await s.it.published(RegistrationErased)
        }
        assert answers[key.of(REGISTRATION, past)] == {"contacts": 1, "wishes": 1, "messages": 1}
        assert answers[key.of(REGISTRATION, coming)] == {"contacts": 1, "messages": 1}
        assert await rows(s, contact) == 2
        assert await rows(s, need) == 1
        assert await rows(s, due, due.c.kind == "scrub") == 0, "the store was scrubbed"
        assert await s.status(other) == ("confirmed", None)


async def test_no_message_ties_two_registrations_together(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """Erasures have ids of chance, and neither they nor the cancellations carry a trace."""
    async with scene(make_url, tmp_path) as s:
        events = [await s.published(), await s.published()]
        ids = [(await s.register(each))["id"] for each in events]
        trace = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
        answer = await s.admin.post(f"/v1/registrations/{ids[0]}/erasure", headers=trace)
        assert answer.status_code == 200
        told = [
            (envelope, message)
            for envelope, message in await s.it.told()
            if "erasure" in envelope.type or isinstance(message, RegistrationCancelled)
        ]
        assert len(told) == 6
        for envelope, message in told:
            assert (envelope.traceparent, envelope.causationid) == (None, None)
            if "erasure" in envelope.type:
                assert envelope.id[14] == "4"
                assert not any(each in message.encode().decode() for each in (*ids, *events))


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_who_was_counted_stays_one_person(
    make_url: MakeUrl, tmp_path: Path, dialect: str
) -> None:
    """Two events attended are one person before and after, under a name nobody can work out."""
    async with scene(make_url, tmp_path, dialect) as s:
        events = [await s.published(), await s.published(), await s.published()]
        mine = [(await s.register(each))["id"] for each in events[:2]]
        other = (await s.register(events[2], 2))["id"]
        for each in (*mine, other):
            await s.act(each, "attendance", {"attended": True})
        async with s.it.service.store.read() as reader:
            names = set((await reader.scalars(select(registration.c.person))).all())
        await s.at(BEGINS)
        await s.ok(s.admin, f"/v1/events/{events[0]}/attendance-closing")
        counted = (await s.it.published(PeopleCounted))[-1]
        assert counted.persons == 2
        await s.act(mine[0], "erasure")
        s.come_again()
        await s.ok(s.admin, f"/v1/events/{events[2]}/attendance-closing")
        assert (await s.it.published(PeopleCounted))[-1] == counted
        async with s.it.service.store.read() as reader:
            after = (await reader.scalars(select(registration.c.person))).all()
        assert len(set(after)) == 2
        assert len(names & set(after)) == 1


async def test_the_same_request_does_not_bring_anybody_back(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """An answer kept for its key is wiped, and the key is spent: a retry registers nobody."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        path, key = f"/v1/events/{event_id}/registrations", {"Idempotency-Key": "k"}
        made = await s.admin.post(path, json=person(), headers=key)
        await s.act(made.json()["id"], "erasure")
        async with s.it.service.store.read() as reader:
            kept = (await reader.execute(select(idempotency))).one()
        assert (kept.body, kept.location, kept.fingerprint) == (b"{}", None, "erased")
        retried = await s.admin.post(path, json=person(), headers=key)
        assert (retried.status_code, retried.json()["type"]) == (
            422,
            "/problems/idempotency-key-reused",
        )
        assert await rows(s, contact) == 0
        anew = await s.admin.post(path, json=person(), headers={"Idempotency-Key": "k2"})
        assert anew.status_code == 201, "who comes again of their own will is welcome"


async def test_what_was_only_asked_for_is_forgotten(make_url: MakeUrl, tmp_path: Path) -> None:
    """A wish of the form and of links, not taken in yet, goes with the person; others' stay."""
    async with scene(make_url, tmp_path) as s:
        first, second = await s.published(), await s.published()
        mine = (await s.register(first))["id"]
        async with s.it.service.store.work() as work:
            for number in (1, 2):
                email = f"Person{number}@example.org"
                command = {"email": email, "needs": [], "event_id": second}
                await work.later("take-in", f"t{number}", BEGINS, {"command": command})
                await work.later("send-links", f"l{number}", BEGINS, {"email": email})
        await s.act(mine, "erasure")
        async with s.it.service.store.read() as reader:
            asked = due.c.kind.in_(("take-in", "send-links"))
            left = set((await reader.scalars(select(due.c.key).where(asked))).all())
        assert left == {"t2", "l2"}


async def test_a_group_keeps_its_places(make_url: MakeUrl, tmp_path: Path) -> None:
    """A group stays when its contact is erased elsewhere; meant itself, it ends, and it alone."""
    async with scene(make_url, tmp_path) as s:
        first, second = await s.published(), await s.published()
        mine = (await s.register(first))["id"]
        group: dict[str, Any] = {"group": {"people": 30, "organisation_id": "lund"}}
        thirty = (await s.register(second, **group))["id"]
        others = (await s.register(first, 2))["id"]
        theirs = {**group, "contact": {"email": "person2@example.org"}}
        theirs_id = (await s.register(second, 3, **theirs))["id"]
        async with s.it.client(key_with("registrations:write", organisation_id="lund")) as lund:
            assert (await lund.post(f"/v1/registrations/{theirs_id}/erasure")).status_code == 200
        async with s.link(theirs_id) as holder:
            assert (await holder.post(f"/v1/registrations/{theirs_id}/erasure")).status_code == 200
        assert await s.status(theirs_id) == ("cancelled", None)
        assert await s.status(others) == ("confirmed", None), "no organisation erases a stranger"
        await s.act(mine, "erasure")
        assert await s.status(thirty) == ("confirmed", None)
        assert (await s.places(second))["taken"] == 30
        assert await rows(s, contact) == 1
        await s.act(thirty, "erasure")
        assert await s.status(thirty) == ("cancelled", None)
        assert (await s.places(second))["taken"] == 0


async def test_who_has_no_address_is_erased_alone(make_url: MakeUrl, tmp_path: Path) -> None:
    """People noted by hand without an address share nothing: each is erased for itself."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        one, two = [(await s.register(event_id, 1, contact=None))["id"] for _ in range(2)]
        await s.act(one, "erasure")
        shown = [(await s.admin.get(f"/v1/registrations/{each}")).json() for each in (one, two)]
        assert [each.get("name") for each in shown] == [None, "Person 1"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_store_from_before_is_erased_again(
    make_url: MakeUrl, tmp_path: Path, dialect: str
) -> None:
    """What the ledger names and the store knows is erased, once, and asked of nobody anew."""
    async with scene(make_url, tmp_path, dialect) as s:
        first, second = await s.published(), await s.published()
        mine = [(await s.register(each))["id"] for each in (first, second)]
        other = (await s.register(first, 2))["id"]
        key = s.it.keyring.erasure_key()
        ledger = [key.of(REGISTRATION, each) for each in (*mine, "another-house")]
        for _ in range(2):
            await s.it.hear(*(RegistrationErasureRequested(erasure_id=each) for each in ledger))
            await s.it.quiet()
        assert [await s.status(each) for each in mine] == [("cancelled", None)] * 2
        ended = [
            envelope
            for envelope, message in await s.it.told()
            if isinstance(message, RegistrationCancelled)
        ]
        assert [each.causationid for each in ended] == [None, None], "one cause ties them together"
        assert await s.status(other) == ("confirmed", None)
        assert await rows(s, contact) == 1
        assert await s.it.published(RegistrationErasureRequested) == []
        assert len(await s.it.published(RegistrationErased)) == 2
        assert await rows(s, about, about.c.name.like("erased/%")) == 3


async def test_the_bus_away_keeps_no_contact_back(make_url: MakeUrl, tmp_path: Path) -> None:
    """A sealed contact that was not sent yet goes out of the outbox, and so does a parked one."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        mine = (await s.register(event_id))["id"]
        await s.it.quiet()
        async with s.it.service.store.work() as work:
            await work.execute(
                outbox.update()
                .where(outbox.c.topic == EventContactGiven.topic)
                .values(sent_at=None)
            )
            await work.execute(delete(about).where(about.c.name.like("erased/%")))
            erasure_id = s.it.keyring.erasure_key().of(REGISTRATION, mine)
            await keep_erased(work, KeepErased(erasure_id))
        assert await rows(s, outbox, outbox.c.topic == EventContactGiven.topic) == 0


async def test_staff_erases_with_the_right_key_only(make_url: MakeUrl, tmp_path: Path) -> None:
    """Staff may, readers may not, and a bound key reaches no stranger."""
    async with scene(make_url, tmp_path) as s:
        mine = (await s.register(await s.published()))["id"]
        path = f"/v1/registrations/{mine}/erasure"
        bound = key_with("registrations:write", organisation_id="lund")
        for principal, status in (
            (key_with("registrations:read"), 403),
            (bound, 404),
            (key_with("registrations:write"), 200),
        ):
            async with s.it.client(principal) as client:
                assert (await client.post(path)).status_code == status
