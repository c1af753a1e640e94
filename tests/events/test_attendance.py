"""Who came, what is told of it, and what is forgotten."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from services.events.models import contact, need, registration
from shared.contracts.events import (
    AttendanceClosed,
    HeadsCounted,
    PeopleCounted,
    RegistrationAttended,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationDeclined,
    RegistrationNoShow,
    SelectionMade,
)
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.events.scene import BEGINS, scene

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_persons_are_counted_once_a_year(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """Who comes twice is one person, under the sector first said; groups and heads are none."""
    async with scene(make_url, tmp_path, dialect) as s:
        first, second = await s.published(), await s.published()
        ids = [
            (await s.register(first, 1, sector="association"))["id"],
            (await s.register(first, 2, sector="business"))["id"],
            (await s.register(second, 1, sector="politician"))["id"],
            (await s.register(second, 3, sector=None))["id"],
            (await s.register(second, 4, group={"people": 30}))["id"],
            (await s.register(second, 5, contact=None))["id"],
        ]
        await s.at(BEGINS)
        for each in ids:
            await s.act(each, "attendance", {"attended": True})
        await s.ok(s.admin, f"/v1/events/{first}/attendance-closing")
        closed = await s.ok(s.admin, f"/v1/events/{second}/attendance-closing")
        assert closed["attended"] == 33
        counted = (await s.it.published(PeopleCounted))[-1]
        assert counted.persons == 4
        assert counted.by_sector == {"association": 2, "business": 1}


async def test_attendance_closes_by_itself_after_72_hours(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """Not a minute earlier, once, and nothing can be registered or cancelled any more."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        mine = (await s.register(event_id))["id"]
        await s.at(BEGINS + timedelta(hours=2 + 72) - timedelta(minutes=1))
        assert await s.it.published(AttendanceClosed) == []
        await s.later(minutes=1)
        (closed,) = await s.it.published(AttendanceClosed)
        assert (closed.event_id, closed.attended) == (event_id, 0)
        assert await s.it.published(RegistrationNoShow) == [], "no names were taken"
        again = await s.ok(s.admin, f"/v1/events/{event_id}/attendance-closing")
        assert again["attended"] == 0
        assert len(await s.it.published(AttendanceClosed)) == 1
        late = await s.admin.post(f"/v1/registrations/{mine}/cancellation")
        assert (late.status_code, late.json()["type"]) == (409, "/problems/wrong-state")


async def test_the_last_word_can_be_corrected(make_url: MakeUrl, tmp_path: Path) -> None:
    """Attended, not, attended again; a count of heads replaced; the persons counted anew."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        mine, other = [(await s.register(event_id, n))["id"] for n in (1, 2)]
        early = await s.admin.post(f"/v1/events/{event_id}/attendance-closing")
        assert early.status_code == 409
        await s.at(BEGINS)
        await s.act(mine, "attendance", {"attended": True})
        count = await s.ok(s.admin, f"/v1/events/{event_id}/head-counts", {"people": 12})
        corrected = {"people": 10, "count_id": count["count_id"]}
        await s.ok(s.admin, f"/v1/events/{event_id}/head-counts", corrected)
        closed = await s.ok(s.admin, f"/v1/events/{event_id}/attendance-closing")
        assert closed["attended"] == 11
        assert await s.status(other) == ("no-show", None)
        await s.act(other, "attendance", {"attended": True})
        await s.act(other, "attendance", {"attended": True})
        assert [m.registration_id for m in await s.it.published(RegistrationAttended)] == [
            mine,
            other,
        ]
        assert [m.persons for m in await s.it.published(PeopleCounted)] == [1, 2]
        heads = await s.it.published(HeadsCounted)
        assert [(m.count_id, m.people) for m in heads] == [
            (count["count_id"], 12),
            (count["count_id"], 10),
        ]
        foreign = {"people": 1, "count_id": "somebody-elses"}
        answer = await s.admin.post(f"/v1/events/{event_id}/head-counts", json=foreign)
        assert answer.status_code == 404


async def test_only_who_has_a_place_can_attend(make_url: MakeUrl, tmp_path: Path) -> None:
    """Who waits in line or has cancelled is 409."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published(capacity=1)
        first, waiting = [(await s.register(event_id, n))["id"] for n in (1, 2)]
        path = f"/v1/registrations/{waiting}/attendance"
        assert (await s.admin.post(path, json={"attended": True})).status_code == 409
        await s.act(waiting, "cancellation")
        assert (await s.admin.post(path, json={"attended": True})).status_code == 409
        assert await s.status(first) == ("confirmed", None)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_four_of_many_applicants_are_selected(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """An application holds nothing; no more are selected than there are places; each is told."""
    async with scene(make_url, tmp_path, dialect) as s:
        event_id = await s.published(capacity=4, admission="application", format="kurs")
        answers = [await s.register(event_id, n) for n in range(7)]
        assert {a["status"] for a in answers} == {"applied"}
        assert (await s.places(event_id))["taken"] == 0
        ids = [a["id"] for a in answers]
        for each in ids[:4]:
            await s.act(each, "selection", {"selected": True})
        full = await s.admin.post(f"/v1/registrations/{ids[4]}/selection", json={"selected": True})
        assert (full.status_code, full.json()["type"]) == (409, "/problems/event-full")
        for each in ids[4:]:
            await s.act(each, "selection", {"selected": False})
        await s.act(ids[0], "cancellation")
        await s.act(ids[5], "selection", {"selected": True})
        twice = await s.admin.post(f"/v1/registrations/{ids[5]}/selection", json={"selected": True})
        assert twice.status_code == 409
        made = await s.it.published(SelectionMade)
        assert [m.selected for m in made] == [True] * 4 + [False] * 3 + [True]
        assert all(m.selected for m in await s.it.published(RegistrationConfirmed))
        assert {m.reason for m in await s.it.published(RegistrationDeclined)} == {"not-selected"}
        assert (await s.places(event_id))["taken"] == 4


async def test_an_erased_person_is_gone_and_the_figures_stay(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """Name, address and needs go; what is live gives its place back; who came stays counted."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published(capacity=1)
        came = (await s.register(event_id, 1, needs=[{"kind": "food", "detail": "vegan"}]))["id"]
        line = (await s.register(event_id, 2))["id"]
        async with s.link(came) as holder:
            shown = (await holder.get(f"/v1/registrations/{came}")).json()
            assert shown["needs"] == [{"kind": "food", "detail": "vegan"}]
        await s.act(line, "erasure")
        (ended,) = await s.it.published(RegistrationCancelled)
        assert (ended.reason, ended.contact_given) == ("erased", False)
        await s.act(came, "attendance", {"attended": True})
        await s.act(came, "erasure")
        assert await s.status(came) == ("attended", None)
        await s.at(BEGINS)
        closed = await s.ok(s.admin, f"/v1/events/{event_id}/attendance-closing")
        assert closed["attended"] == 1
        assert (await s.it.published(PeopleCounted))[-1].persons == 1
        async with s.it.service.store.read() as reader:
            for table in (contact, need):
                assert await reader.scalar(select(func.count()).select_from(table)) == 0


async def test_nothing_that_recurs_tells_who_it_is(make_url: MakeUrl, tmp_path: Path) -> None:
    """No message but the sealed contact holds anything that two events of one person share."""
    async with scene(make_url, tmp_path) as s:
        events = [await s.published(), await s.published()]
        ids = [(await s.register(each, 1))["id"] for each in events]
        assert ids[0] != ids[1]
        told = " ".join(m.encode().decode() for m in await s.it.published())
        assert "Person 1" not in told
        assert "example.org" not in told
        async with s.it.service.store.read() as reader:
            hashes = (await reader.scalars(select(registration.c.person))).all()
        assert len(set(hashes)) == 1
        assert str(hashes[0]) not in told


async def test_needs_are_forgotten_30_days_after(make_url: MakeUrl, tmp_path: Path) -> None:
    """Not before, and whoever they belonged to keeps everything else."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        mine = (await s.register(event_id, 1, needs=[{"kind": "step-free"}]))["id"]
        await s.at(BEGINS + timedelta(days=30, hours=2) - timedelta(minutes=1))
        shown = (await s.admin.get(f"/v1/registrations/{mine}")).json()
        assert shown["needs"] == [{"kind": "step-free", "detail": None}]
        await s.later(minutes=1)
        shown = (await s.admin.get(f"/v1/registrations/{mine}")).json()
        assert (shown["needs"], shown["name"]) == ([], "Person 1")
