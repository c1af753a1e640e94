"""Organisations through the API: who sees which, and what is told of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.directory.app import create_service
from services.directory.settings import Settings
from shared.clock import ReplayClock
from shared.contracts.directory import (
    OrganisationChanged,
    OrganisationDissolved,
    OrganisationRegistered,
    ResidencyBegan,
    ResidencyEnded,
)
from shared.contracts.words import OrganisationKind, Sector
from shared.security.principal import PUBLIC
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import Running, key_with, running

pytestmark = pytest.mark.anyio

LATE = datetime(2023, 3, 1, 23, 30, tzinfo=UTC)
"""Already the second of March in Malmö."""
TODAY = date(2023, 3, 2)


@asynccontextmanager
async def directory(make_url: MakeUrl, folder: Path, dialect: str) -> AsyncIterator[Running]:
    async with running(
        create_service,
        make_url,
        folder,
        dialect=dialect,
        clock=ReplayClock(LATE),
        settings_class=Settings,
    ) as it:
        yield it


@pytest.fixture(params=DIALECTS)
async def it(
    request: pytest.FixtureRequest, make_url: MakeUrl, tmp_path: Path
) -> AsyncIterator[Running]:
    """Run directory on either database."""
    async with directory(make_url, tmp_path, request.param) as made:
        yield made


async def register(it: Running, **said: Any) -> dict[str, Any]:
    """Register an organisation."""
    body = {"name": "En frisk generation", "kind": "association", "sector": "association", **said}
    async with it.client() as client:
        answer = await client.post("/v1/organisations", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def change(it: Running, organisation: dict[str, Any], **said: Any) -> Any:
    """Change an organisation."""
    async with it.client() as client:
        return await client.patch(f"/v1/organisations/{organisation['id']}", json=said)


async def test_an_organisation_is_registered_and_shown(it: Running) -> None:
    """It is told with all that others need, and everybody finds it."""
    made = await register(it, resident=True)
    assert made == {
        "id": made["id"],
        "name": "En frisk generation",
        "kind": "association",
        "sector": "association",
        "unlisted": False,
        "dissolved_on": None,
        "resident": True,
        "resident_from": "2023-03-02",
        "resident_until": None,
    }
    async with it.client(PUBLIC) as anybody:
        shown = await anybody.get(f"/v1/organisations/{made['id']}")
        listed = await anybody.get("/v1/organisations")
    assert shown.json() == made
    assert shown.headers["etag"] == '"2"'
    assert listed.json() == {"items": [made], "next": None}
    told = [(message, envelope.sequence) for envelope, message in await it.told()]
    assert told == [
        (
            OrganisationRegistered(
                organisation_id=made["id"],
                name="En frisk generation",
                kind=OrganisationKind.ASSOCIATION,
                sector=Sector.ASSOCIATION,
                listed=True,
            ),
            1,
        ),
        (ResidencyBegan(organisation_id=made["id"], began_on=TODAY), 2),
    ]


async def test_an_unlisted_name_never_travels_and_is_not_shown(it: Running) -> None:
    """Neither the topic nor the public learns the name; who administers does."""
    made = await register(it, name="Hemlig förening", unlisted=True)
    await change(it, made, name="Ännu hemligare")
    told = [message for _, message in await it.told()]
    assert [type(each) for each in told] == [OrganisationRegistered, OrganisationChanged]
    assert not any("emlig" in each.encode().decode() for each in told)
    async with it.client(PUBLIC) as anybody, it.client() as admin:
        path = f"/v1/organisations/{made['id']}"
        assert (await anybody.get(path)).status_code == 404
        assert (await anybody.get("/v1/organisations")).json()["items"] == []
        assert (await admin.get(path)).json()["name"] == "Ännu hemligare"
        assert len((await admin.get("/v1/organisations")).json()["items"]) == 1


async def test_a_residency_ends_today_and_begins_again(it: Running) -> None:
    """Its last day is part of it; what is said twice is told once."""
    made = await register(it, resident="2023-01-01")
    for resident in (True, "2023-01-01", False, False):
        answer = await change(it, made, resident=resident)
        assert answer.status_code == 200
    assert answer.json()["resident"] is True
    assert answer.json()["resident_until"] == "2023-03-02"
    assert (await change(it, made, resident="2023-06-01")).json()["resident"] is False
    began = await it.published(ResidencyBegan)
    assert [each.began_on for each in began] == [date(2023, 1, 1), date(2023, 6, 1)]
    assert [each.ended_on for each in await it.published(ResidencyEnded)] == [TODAY]


async def test_a_residency_that_never_began_ends_before_its_begin(it: Running) -> None:
    """Taken back in time, it holds on no day."""
    made = await register(it, resident="2023-06-01")
    await change(it, made, resident=False)
    [ended] = await it.published(ResidencyEnded)
    assert ended.ended_on == date(2023, 5, 31)


async def test_another_begin_needs_an_end_first(it: Running) -> None:
    """A residency is not silently dated anew."""
    made = await register(it, resident="2023-01-01")
    refused = await change(it, made, resident="2023-02-01")
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/already-resident"
    assert refused.json()["since"] == "2023-01-01"


async def test_a_dissolved_organisation_leaves_and_changes_no_more(it: Running) -> None:
    """Its residency ends before it does; it can still be read, and is told of once."""
    made = await register(it, resident="2023-01-01")
    async with it.client() as client:
        path = f"/v1/organisations/{made['id']}"
        answers = [await client.post(f"{path}/dissolution") for _ in range(2)]
        assert [each.status_code for each in answers] == [200, 409]
        assert answers[0].json()["dissolved_on"] == "2023-03-02"
        assert answers[1].json()["type"] == "/problems/dissolved"
        assert (await client.patch(path, json={"name": "x"})).status_code == 409
        assert (await client.get(path)).json()["resident_until"] == "2023-03-02"
    told = [(message, envelope.sequence) for envelope, message in await it.told()][-2:]
    assert told == [
        (ResidencyEnded(organisation_id=made["id"], ended_on=TODAY), 3),
        (OrganisationDissolved(organisation_id=made["id"], dissolved_on=TODAY), 4),
    ]


async def test_a_change_tells_everything_once(it: Running) -> None:
    """Only what is other than before is told, and under the revision the caller read."""
    made = await register(it)
    assert (await change(it, made, name="En frisk generation")).headers["etag"] == '"1"'
    answer = await change(it, made, name="En friskare generation", sector=None)
    assert (answer.json()["name"], answer.json()["sector"]) == ("En friskare generation", None)
    [told] = await it.published(OrganisationChanged)
    assert (told.name, told.sector, told.kind) == ("En friskare generation", None, "association")
    async with it.client() as client:
        stale = await client.patch(
            f"/v1/organisations/{made['id']}", json={"name": "x"}, headers={"If-Match": '"1"'}
        )
    assert stale.status_code == 412


async def test_only_who_administers_may_register(it: Running) -> None:
    """The public gets 401, a key without the scope 403 naming it, and nothing is made."""
    body = {"name": "En förening", "kind": "association"}
    async with it.client(PUBLIC) as anybody, it.client(key_with("booking:write")) as other:
        assert (await anybody.post("/v1/organisations", json=body)).status_code == 401
        refused = await other.post("/v1/organisations", json=body)
    assert (refused.status_code, refused.json()["scope"]) == (403, "directory:admin")
    assert await it.told() == []


async def test_pages_of_organisations_are_complete(it: Running) -> None:
    """Followed to the end, the pages hold each organisation once, by name."""
    names = {(await register(it, name=f"Förening {number}"))["name"] for number in range(7)}
    found: list[str] = []
    path: str | None = "/v1/organisations?limit=3"
    async with it.client(PUBLIC) as anybody:
        while path:
            page = (await anybody.get(path)).json()
            found += [each["name"] for each in page["items"]]
            path = f"/v1/organisations?limit=3&cursor={page['next']}" if page["next"] else None
    assert found == sorted(names)


BAD = [
    {"name": ""},
    {"name": "x\u0000y"},
    {"name": "x" * 201},
    {"name": 7},
    {"kind": "club"},
    {"sector": "everybody"},
    {"resident": "yes"},
    {"resident": "2023-02-30"},
    {"resident": 1},
    {"unlisted": "no"},
    {"colour": "red"},
]


@pytest.mark.parametrize("bad", BAD, ids=[f"{each}"[:40] for each in BAD])
async def test_bad_input_is_named_and_changes_nothing(
    bad: dict[str, Any], make_url: MakeUrl, tmp_path: Path
) -> None:
    """The answer points at the field, at registering and at changing alike."""
    async with directory(make_url, tmp_path, "sqlite") as it, it.client() as client:
        body = {"name": "En förening", "kind": "association", **bad}
        refused = await client.post("/v1/organisations", json=body)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"].startswith(f"/{next(iter(bad))}")
        assert await it.told() == []
        made = await register(it)
        refused = await client.patch(f"/v1/organisations/{made['id']}", json=bad)
        assert refused.status_code == 422
        for empty in ({}, {"name": None}):
            path = f"/v1/organisations/{made['id']}"
            assert (await client.patch(path, json=empty)).status_code == 422
        assert len(await it.told()) == 1
