"""The public's door: nobody learns who is registered, and a link alone acts."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from services.events.models import contact, registration
from shared.contracts.events import (
    EventContact,
    EventContactGiven,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationPending,
    RegistrationWaitlisted,
)
from shared.security.principal import Principal
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import key_with
from tests.events.scene import BEGINS, Scene, person, scene

pytestmark = pytest.mark.anyio


async def ask(s: Scene, event_id: str, number: int = 1, **changes: Any) -> Any:
    """Ask for a place as the public does, and let what follows happen."""
    path = f"/v1/events/{event_id}/registrations"
    answer = await s.public.post(path, json=person(number, **changes))
    await s.it.quiet()
    return answer


async def letters(s: Scene, kind: str | None = None) -> list[EventContact]:
    """Return what was sealed for notifications, opened."""
    opener = s.it.keyring.opener()
    sealed = await s.it.published(EventContactGiven)
    opened = [EventContact.model_validate_json(opener.open(each.sealed)) for each in sealed]
    return [each for each in opened if kind in (None, each.purpose)]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_repeat_is_answered_like_a_first_time(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """Same status, members, header names and lengths; no effect but one letter a day."""
    async with scene(make_url, tmp_path, dialect) as s:
        event_id = await s.published()
        first = await ask(s, event_id)
        again = await ask(
            s, event_id, name="  person   1 ", contact={"email": "PERSON1@example.org"}
        )
        assert first.status_code == again.status_code == 201
        assert first.json().keys() == again.json().keys()
        assert {**first.json(), "id": ""} == {**again.json(), "id": ""}
        assert first.headers.keys() == again.headers.keys()
        assert len(first.content) == len(again.content)
        assert first.json()["id"] != again.json()["id"]
        assert [m.registration_id for m in await s.it.published(RegistrationPending)] == [
            first.json()["id"]
        ]
        await ask(s, event_id)
        reminders = await letters(s, "already-registered")
        assert [(r.event_id, r.email) for r in reminders] == [(event_id, "person1@example.org")]
        assert reminders[0].manage_token == s.it.keyring.links().make(
            "registration", first.json()["id"]
        )
        async with s.it.service.store.read() as reader:
            assert await reader.scalar(select(func.count()).select_from(registration)) == 1
        async with s.link(again.json()["id"]) as nobody:
            path = f"/v1/registrations/{again.json()['id']}"
            assert (await nobody.get(path)).status_code == 404


async def test_the_work_of_an_answer_does_not_depend_on_the_person(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """Before the answer, the same statements run for a stranger and for somebody registered."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        await s.register(event_id, 1)
        statements: list[str] = []
        async with s.it.service.store.work() as work:
            writer = (await work.driver()).sqlite  # the one that writes: it sees every statement
        ran = []
        path = f"/v1/events/{event_id}/registrations"
        for number in (1, 2):
            statements.clear()
            writer.set_trace_callback(statements.append)
            request = asyncio.ensure_future(s.public.post(path, json=person(number)))
            assert (await request).status_code == 201
            writer.set_trace_callback(None)
            told = [each for each in statements if each.startswith(("SELECT", "INSERT"))]
            ran.append([re.sub(r"'[^']*'", "?", each) for each in told[:2]])
            await s.it.quiet()
        assert ran[0] == ran[1]
        assert [each.split()[0] for each in ran[0]] == ["SELECT", "INSERT"]
        assert "registration" not in " ".join(ran[0])


async def test_somebody_is_reminded_again_a_day_later(make_url: MakeUrl, tmp_path: Path) -> None:
    """The letter "already registered" goes out once a day per event and person."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        await s.register(event_id, 1)
        for hours, expected in ((0, 1), (23, 1), (1, 2)):
            await s.later(hours=hours)
            await ask(s, event_id)
            assert len(await letters(s, "already-registered")) == expected


async def test_the_link_takes_the_place_when_it_is_clicked(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """A pending registration holds nothing; the click gets what there is then, again the same."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published(capacity=1)
        slow, quick = [(await ask(s, event_id, n)).json()["id"] for n in (1, 2)]
        assert (await s.places(event_id))["taken"] == 0
        async with s.link(quick) as holder:
            path = f"/v1/registrations/{quick}/confirmation"
            assert await s.ok(holder, path) == {"id": quick, "status": "confirmed"}
            assert await s.ok(holder, path) == {"id": quick, "status": "confirmed"}
        async with s.link(slow) as holder:
            path = f"/v1/registrations/{slow}/confirmation"
            assert (await s.ok(holder, path))["position"] == 1
        assert len(await s.it.published(RegistrationConfirmed)) == 1
        assert len(await s.it.published(RegistrationWaitlisted)) == 1


async def test_a_link_that_nobody_clicks_ends_without_a_letter(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """After 24 hours, and at the begin at the latest, it is over and the person is forgotten."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        pending = (await ask(s, event_id)).json()["id"]
        written = len(await letters(s))
        await s.later(hours=24)
        (ended,) = await s.it.published(RegistrationCancelled)
        assert (ended.was, ended.reason, ended.contact_given) == ("pending", "not-confirmed", False)
        assert len(await letters(s)) == written
        async with s.link(pending) as holder:
            late = await holder.post(f"/v1/registrations/{pending}/confirmation")
            assert (late.status_code, late.json()["type"]) == (409, "/problems/wrong-state")
        async with s.it.service.store.read() as reader:
            assert await reader.scalar(select(func.count()).select_from(contact)) == 0

        await s.at(BEGINS.replace(hour=1))
        close = (await ask(s, event_id, 2)).json()
        assert close["confirm_by"] == "2023-04-19T11:00:00Z"


async def test_what_stands_in_the_way_is_said_without_looking_at_the_person(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """Full without a line, not yet open, over and cancelled are 409, whoever asks."""
    async with scene(make_url, tmp_path) as s:
        full = await s.published(capacity=1, waiting_list=False)
        await s.register(full, 1)
        early = await s.published(registration_opens_at="2023-04-01T00:00:00Z")
        gone = await s.published()
        await s.ok(s.admin, f"/v1/events/{gone}/cancellation", {"reason": "weather"})
        for event_id, slug in (
            (full, "event-full"),
            (early, "registration-closed"),
            (gone, "registration-closed"),
        ):
            for number in (1, 2):
                answer = await ask(s, event_id, number)
                assert (answer.status_code, answer.json()["type"]) == (409, f"/problems/{slug}")
        over = await s.published()
        await s.at(BEGINS)
        assert (await ask(s, over)).json()["type"] == "/problems/registration-closed"


async def test_a_link_acts_on_its_own_registration_only(make_url: MakeUrl, tmp_path: Path) -> None:
    """401 without or with a forged link, 404 with somebody else's, 403 for a key without scope."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        mine, other = [(await s.register(event_id, n))["id"] for n in (1, 2)]
        forged = Principal(kind="link", id="link", link_token=f"link_{mine}.forged")
        reader = Principal(kind="key", id="k", scopes=frozenset({"registrations:read"}))
        calls = [
            ("GET", ""),
            ("POST", "/confirmation"),
            ("POST", "/cancellation"),
            ("POST", "/erasure"),
        ]
        for client, status in (
            (s.public, 401),
            (s.it.client(forged), 401),
            (s.link(other), 404),
            (s.it.client(reader), 403),
        ):
            for method, action in calls:
                answer = await client.request(method, f"/v1/registrations/{mine}{action}")
                assert answer.status_code == status, (client.headers, action)
                assert answer.headers["content-type"] == "application/problem+json"
        assert await s.status(mine) == ("confirmed", None)
        async with s.link(mine) as holder:
            for path in (f"/v1/events/{event_id}/registrations",):
                assert (await holder.get(path)).status_code == 403
            shown = (await holder.get(f"/v1/registrations/{mine}")).json()
            assert shown["name"] == "Person 1"
            assert "email" not in str(shown)


async def test_lost_links_are_mailed_and_the_answer_does_not_tell(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """202 for any address; one letter with every live registration to one that has some."""
    async with scene(make_url, tmp_path) as s:
        events = [await s.published(), await s.published()]
        ids = [(await s.register(each, 1))["id"] for each in events]
        for email in ("person1@example.org", "stranger@example.org"):
            answer = await s.public.post("/v1/registration-links", json={"email": email})
            assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
        await s.it.quiet()
        (letter,) = await letters(s, "links")
        assert letter.email == "person1@example.org"
        assert {(each.event_id, each.registration_id) for each in letter.links} == set(
            zip(events, ids, strict=True)
        )


async def test_a_bound_key_sees_and_changes_only_its_organisations_groups(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """Another's group and everybody without one are 404 to it, and in no list."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        alone = (await s.register(event_id, 1))["id"]
        groups = {
            org: (await s.register(event_id, 2, group={"people": 3, "organisation_id": org}))["id"]
            for org in ("org-1", "org-2")
        }
        bound = s.it.client(
            key_with("registrations:write", "registrations:read", organisation_id="org-1")
        )
        for each, status in ((alone, 404), (groups["org-2"], 404), (groups["org-1"], 200)):
            assert (await bound.get(f"/v1/registrations/{each}")).status_code == status
            answer = await bound.post(f"/v1/registrations/{each}/cancellation")
            assert answer.status_code == status
        listed = (await bound.get(f"/v1/events/{event_id}/registrations")).json()["items"]
        assert [each["id"] for each in listed] == [groups["org-1"]]
        foreign = person(4, group={"people": 2, "organisation_id": "org-2"})
        answer = await bound.post(f"/v1/events/{event_id}/registrations", json=foreign)
        assert answer.status_code == 404


async def test_links_are_mailed_once_in_ten_minutes(make_url: MakeUrl, tmp_path: Path) -> None:
    """Nobody's mailbox is filled by asking again and again."""
    async with scene(make_url, tmp_path) as s:
        await s.register(await s.published(), 1)
        for minutes, expected in ((0, 1), (9, 1), (1, 2)):
            await s.later(minutes=minutes)
            await s.public.post("/v1/registration-links", json={"email": "person1@example.org"})
            await s.it.quiet()
            assert len(await letters(s, "links")) == expected
