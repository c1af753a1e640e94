"""What holds before an action: the revision that was read, and that the thing may be known."""

from pathlib import Path

import pytest

from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import key_with
from tests.events.scene import person, scene

pytestmark = pytest.mark.anyio

ACTIONS = {
    "confirmation": None,
    "cancellation": None,
    "erasure": None,
    "attendance": {"attended": True},
    "selection": {"selected": True},
}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_action_on_another_revision_is_refused(
    make_url: MakeUrl, tmp_path: Path, dialect: str
) -> None:
    """If-Match of a revision that is gone is 412 and changes nothing; the right one acts."""
    async with scene(make_url, tmp_path, dialect=dialect) as s:
        event_id = await s.published()
        place = f"/v1/registrations/{(await s.register(event_id))['id']}"
        read = (await s.admin.get(place)).headers["etag"]
        for action, body in ACTIONS.items():
            stale = {"If-Match": '"99"'}
            answer = await s.admin.post(f"{place}/{action}", json=body, headers=stale)
            assert (action, answer.status_code) == (action, 412)
        assert (await s.admin.get(place)).headers["etag"] == read
        attended = await s.admin.post(
            f"{place}/attendance", json={"attended": True}, headers={"If-Match": read}
        )
        assert attended.json()["status"] == "attended"
        closing = f"/v1/events/{event_id}/attendance-closing"
        answer = await s.admin.post(closing, headers={"If-Match": '"99"'})
        assert answer.status_code == 412


async def test_a_refusal_keeps_its_status(make_url: MakeUrl, tmp_path: Path) -> None:
    """The problem's `status` is the answer's; the state in which the thing is has its own name."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        answer = await s.admin.post(f"/v1/events/{event_id}/publication")
        assert (answer.status_code, answer.json()["status"]) == (409, 409)
        assert answer.json()["state"] == "published"


async def test_a_draft_cannot_be_registered_for_nor_known(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """To the public, asking for a place at a draft is the same as at an event there never was."""
    async with scene(make_url, tmp_path) as s:
        draft = (await s.admin.post("/v1/events", json=_event())).json()["id"]
        answers = [
            await s.public.post(f"/v1/events/{each}/registrations", json=person())
            for each in (draft, "no-such-event")
        ]
        assert [each.status_code for each in answers] == [404, 404]
        known = [{**each.json(), "instance": ""} for each in answers]
        assert known[0] == known[1]
        cancelled = await s.published()
        await s.ok(s.admin, f"/v1/events/{cancelled}/cancellation", {"reason": "weather"})
        answer = await s.public.post(f"/v1/events/{cancelled}/registrations", json=person())
        assert answer.json()["type"] == "/problems/registration-closed"


async def test_a_bound_key_learns_of_no_other_person(make_url: MakeUrl, tmp_path: Path) -> None:
    """Without a group of its own a bound key registers nobody: it would get another's link."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        await s.register(event_id, 1)
        bound = s.it.client(key_with("registrations:write", organisation_id="org-1"))
        answer = await bound.post(f"/v1/events/{event_id}/registrations", json=person(1))
        assert answer.status_code == 404
        own = person(2, group={"people": 3, "organisation_id": "org-1"})
        answer = await bound.post(f"/v1/events/{event_id}/registrations", json=own)
        assert answer.status_code == 201


async def test_who_keeps_a_copy_learns_of_the_end(make_url: MakeUrl, tmp_path: Path) -> None:
    """A cancelled event is in no list, but among what changed since a time."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        await s.ok(s.admin, f"/v1/events/{event_id}/cancellation", {"reason": "weather"})
        assert (await s.public.get("/v1/events")).json()["items"] == []
        changed = await s.public.get("/v1/events?changed_since=2023-01-01T00:00:00Z")
        assert [each["status"] for each in changed.json()["items"]] == ["cancelled"]


def _event() -> dict[str, object]:
    return {
        "format": "seminarium",
        "titles": {"sv": "Utkast"},
        "capacity": 5,
        "starts_at": "2023-04-19T11:00:00Z",
        "ends_at": "2023-04-19T13:00:00Z",
        "time_zone": "Europe/Stockholm",
        "place": "Salen",
    }
