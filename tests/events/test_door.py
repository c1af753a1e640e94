"""What the door asks: who is meant by what was typed or scanned, and who is in."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.events.rules.names import is_meant
from shared.security.principal import Principal
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.events.scene import BEGINS, Scene, scene

CODE = "https://andan.example/sv/r/"


@pytest.mark.parametrize(
    ("name", "typed", "meant"),
    [
        ("Åsa Öberg-Lindström", "asa", True),
        ("Åsa Öberg-Lindström", "ÖBERG", True),
        ("Åsa Öberg-Lindström", "lind å", True),
        ("Åsa Öberg-Lindström", "sa", False),
        ("Åsa Öberg-Lindström", "asa berg", False),
        ("محمد علي", "محمد", True),
        ("Straße", "strasse", True),
        ("Anna", " ", False),
        ("Anna", "-", False),
        ("", "a", False),
    ],
)
def test_who_is_meant(name: str, typed: str, meant: bool) -> None:
    """Each word begins a word of the name; case, accents and order do not count."""
    assert is_meant(name, typed) is meant


async def found(s: Scene, event_id: str, **query: Any) -> list[str | None]:
    """Return the names that a search at the door finds."""
    path = f"/v1/events/{event_id}/registrations"
    answer = await s.admin.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


@pytest.mark.anyio
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_name_is_found(dialect: str, make_url: MakeUrl, tmp_path: Path) -> None:
    """Only of this event, at most 20, by name and alike on both databases."""
    async with scene(make_url, tmp_path, dialect) as s:
        event_id, other = await s.published(), await s.published()
        for number, name in enumerate(["Åsa Ek", "Bo Asplund", "Cecilia", "asa äng"]):
            await s.register(event_id, number, name=name)
        await s.register(other, 9, name="Åsa Annan")
        assert sorted(map(str, await found(s, event_id, search="ASA"))) == ["asa äng", "Åsa Ek"]
        assert await found(s, event_id, search="as bo") == ["Bo Asplund"]
        assert await found(s, event_id, search="asa", status="attended") == []
        for number in range(10, 32):
            await s.register(event_id, number, name=f"Dag {number}")
        assert len(await found(s, event_id, search="dag")) == 20
        empty = await s.admin.get(f"/v1/events/{event_id}/registrations?search=")
        assert empty.status_code == 422
        missing = await s.admin.get("/v1/events/nowhere/registrations?search=a")
        assert missing.status_code == 404


@pytest.mark.anyio
async def test_a_code_is_read(make_url: MakeUrl, tmp_path: Path) -> None:
    """The link of a registration finds it, at its own event; a forged one finds nobody."""
    async with scene(make_url, tmp_path) as s:
        event_id, other = await s.published(), await s.published()
        mine = await s.register(event_id, 1, name="Åsa Ek")
        token = s.it.keyring.links().make("registration", mine["id"])
        assert await found(s, event_id, search=token) == ["Åsa Ek"]
        assert await found(s, event_id, search=CODE + token) == ["Åsa Ek"]
        assert await found(s, other, search=token) == []
        forged = f"link_{mine['id']}.eHh4eA"
        assert await found(s, event_id, search=forged) == []


@pytest.mark.anyio
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_who_is_in(dialect: str, make_url: MakeUrl, tmp_path: Path) -> None:
    """Named and counted people, since when, and what was undone is out again."""
    async with scene(make_url, tmp_path, dialect) as s:
        event_id = await s.published()
        path = f"/v1/events/{event_id}"
        assert (await s.admin.get(f"{path}/attendance")).json() == {
            "event_id": event_id,
            "attended": 0,
            "registered": {},
            "heads": [],
            "closed_at": None,
        }
        one = await s.register(event_id, 1)
        group = await s.register(event_id, 2, group={"people": 5})
        await s.register(event_id, 3)
        await s.at(BEGINS + timedelta(minutes=4))
        for each in (one, group):
            await s.act(each["id"], "attendance", {"attended": True})
        counted = await s.ok(s.admin, f"{path}/head-counts", {"people": 3})
        seen = (await s.admin.get(f"{path}/attendance")).json()
        assert seen["attended"] == 9
        assert seen["registered"] == {"attended": 2, "confirmed": 1}
        assert [each["people"] for each in seen["heads"]] == [3]
        assert seen["heads"][0]["count_id"] == counted["count_id"]
        shown = (await s.admin.get(f"/v1/registrations/{one['id']}")).json()
        assert shown["attended_at"] == "2023-04-19T11:04:00Z"
        await s.act(one["id"], "attendance", {"attended": False})
        await s.ok(s.admin, f"{path}/head-counts", {"people": 0, "count_id": counted["count_id"]})
        seen = (await s.admin.get(f"{path}/attendance")).json()
        assert (seen["attended"], seen["registered"]["no-show"]) == (5, 1)
        shown = (await s.admin.get(f"/v1/registrations/{one['id']}")).json()
        assert shown["attended_at"] is None
        await s.ok(s.admin, f"{path}/attendance-closing")
        seen = (await s.admin.get(f"{path}/attendance")).json()
        assert seen["closed_at"] == "2023-04-19T11:04:00Z"
        assert (await s.public.get(f"{path}/attendance")).status_code == 401


@pytest.mark.anyio
async def test_needs_are_for_who_acts(make_url: MakeUrl, tmp_path: Path) -> None:
    """A list tells what people need to those who may write registrations, and to no other."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        await s.register(event_id, 1, needs=[{"kind": "interpreter", "detail": "somaliska"}])
        path = f"/v1/events/{event_id}/registrations"
        shown = (await s.admin.get(path)).json()["items"][0]
        assert shown["needs"] == [{"kind": "interpreter", "detail": "somaliska"}]
        reads = Principal(kind="key", id="reads", scopes=frozenset({"registrations:read"}))
        async with s.it.client(reads) as client:
            assert (await client.get(path)).json()["items"][0]["needs"] == []
