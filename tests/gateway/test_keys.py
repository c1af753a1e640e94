"""API keys: made by who may, shown once, counted until they end."""

import asyncio
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from services.gateway.app import PARTS
from services.gateway.first_key import FirstKeyUnreadable, ensure_first_key
from services.gateway.models import ApiKeyRow
from shared.clock import ReplayClock
from shared.security.principal import SCOPES
from shared.testing.fixtures import MakeStore
from tests.gateway.house import START, House, house

pytestmark = pytest.mark.anyio


async def made(it: House, key: str, **body: Any) -> Any:
    """Ask for a key over the public address."""
    async with it.client(key) as client:
        return await client.post("/v1/api-keys", json={"name": "App", **body})


async def test_a_key_is_shown_once_and_works(tmp_path: Path) -> None:
    """The answer holds the key's text; nothing that is read later does, nor does the store."""
    async with house(tmp_path) as it:
        admin = await it.key()
        answer = await made(it, admin, scopes=["booking:write"], organisation_id="o1")
        assert answer.status_code == 201
        text = answer.json()["key"]
        async with it.client(admin) as client:
            shown = await client.get(answer.headers["location"])
            listed = await client.get("/v1/api-keys")
        assert shown.json() == {k: v for k, v in answer.json().items() if k != "key"}
        assert shown.headers["etag"] == '"1"'
        secret = text.split("_")[2]
        assert secret not in shown.text + listed.text
        async with it.gateway.store.read() as reader:
            row = await reader.get_one(ApiKeyRow, answer.json()["id"])
            assert secret not in str(row.model_dump())
        async with it.client(text) as client:
            assert (await client.post("/v1/bookings", json={"text": "x"})).status_code == 201
            assert (await client.get("/v1/api-keys")).status_code == 403


async def test_a_list_of_keys_comes_in_pages(tmp_path: Path) -> None:
    """Every key is in one page exactly, oldest first."""
    async with house(tmp_path) as it:
        admin = await it.key()
        keys = [admin, *[await it.key("booking:read") for _ in range(4)]]
        seen: list[str] = []
        cursor: str | None = ""
        async with it.client(admin) as client:
            while cursor is not None:
                after = f"&cursor={cursor}" if cursor else ""
                page = (await client.get(f"/v1/api-keys?limit=2{after}")).json()
                seen += [item["id"] for item in page["items"]]
                cursor = page["next"]
    assert seen == [key.split("_")[1] for key in keys]


async def test_nobody_hands_on_what_he_lacks(tmp_path: Path) -> None:
    """A scope that the maker lacks is a 403 that names it; a bound maker stays at home."""
    async with house(tmp_path) as it:
        maker = await it.key("gateway:admin", "booking:read")
        refused = await made(it, maker, scopes=["booking:read", "booking:write"])
        assert (refused.status_code, refused.json()["scope"]) == (403, "booking:write")
        bound = await it.key("gateway:admin", "booking:read", organisation_id="o1")
        assert (await made(it, bound, scopes=["booking:read"])).status_code == 404
        foreign = await made(it, bound, scopes=["booking:read"], organisation_id="o2")
        assert foreign.status_code == 404
        own = await made(it, bound, scopes=["booking:read"], organisation_id="o1")
        assert own.status_code == 201
        async with it.client(bound) as client:
            theirs = (await client.get("/v1/api-keys")).json()["items"]
            assert {item["organisation_id"] for item in theirs} == {"o1"}
            maker_id = maker.split("_")[1]
            assert (await client.get(f"/v1/api-keys/{maker_id}")).status_code == 404
            assert (await client.delete(f"/v1/api-keys/{maker_id}")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": "booking:read"},
        {"scopes": ["booking:read"] * 99},
        {"scopes": [None]},
        {"scopes": ["booking:read"], "name": ""},
        {"scopes": ["booking:read"], "name": "a\nb"},
        {"scopes": ["booking:read"], "name": "x" * 201},
        {"scopes": ["booking:read"], "organisation_id": "a b"},
        {"scopes": ["booking:read"], "organisation_id": 7},
        {"scopes": ["booking:read"], "expires_at": "2020-01-01T00:00:00Z"},
        {"scopes": ["booking:read"], "expires_at": "soon"},
        {"scopes": ["booking:read"], "secret": "mine"},
        {},
    ],
)
async def test_a_bad_key_is_not_made(body: dict[str, Any], tmp_path: Path) -> None:
    """What does not fit is a 422 problem, and no key is kept."""
    async with house(tmp_path) as it:
        admin = await it.key()
        answer = await made(it, admin, **body)
        assert answer.status_code == 422, answer.text
        async with it.client(admin) as client:
            assert len((await client.get("/v1/api-keys")).json()["items"]) == 1


async def test_a_revoked_key_ends_at_once(tmp_path: Path) -> None:
    """After the 204 the key is a 401; revoking again changes nothing."""
    async with house(tmp_path) as it:
        admin, other = await it.key(), await it.key("booking:write")
        async with it.client(other) as theirs, it.client(admin) as client:
            assert (await theirs.get("/v1/bookings/b1")).status_code == 200
            for _ in range(2):
                gone = await client.delete(f"/v1/api-keys/{other.split('_')[1]}")
                assert gone.status_code == 204
            refused = await theirs.get("/v1/bookings/b1")
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Bearer")
            shown = await client.get(f"/v1/api-keys/{other.split('_')[1]}")
            assert shown.json()["revoked"] is True


async def test_another_process_learns_of_it_soon(tmp_path: Path) -> None:
    """A key that was revoked elsewhere counts no longer than the cache's seconds."""
    async with house(tmp_path, key_cache_seconds=0.1) as it:
        key = await it.key("booking:write")
        async with it.client(key) as client:
            assert (await client.get("/v1/bookings/b1")).status_code == 200
            async with it.gateway.store.work() as work:
                row = await work.get_one(ApiKeyRow, key.split("_")[1])
                row.revoked = True
            await asyncio.sleep(0.15)
            assert (await client.get("/v1/bookings/b1")).status_code == 401


async def test_a_key_ends_by_the_houses_clock(tmp_path: Path) -> None:
    """`expires_at` is domain time: a replayed year ends keys in its own days."""
    clock = ReplayClock(START)
    async with house(tmp_path, clock=clock) as it:
        key = await it.key("booking:read", expires_at=START + timedelta(days=1))
        async with it.client(key) as client:
            assert (await client.get("/v1/bookings/b1")).status_code == 200
            clock.move(START + timedelta(days=1))
            assert (await client.get("/v1/bookings/b1")).status_code == 401


async def test_the_last_administrator_stays(tmp_path: Path) -> None:
    """The last living key that can make others cannot be revoked; with a second one it can."""
    async with house(tmp_path) as it:
        admin = await it.key()
        await it.key("gateway:admin", organisation_id="o1")
        where = f"/v1/api-keys/{admin.split('_')[1]}"
        async with it.client(admin) as client:
            refused = await client.delete(where)
            assert (refused.status_code, refused.json()["type"]) == (
                409,
                "/problems/last-admin-key",
            )
            await it.key("gateway:admin")
            assert (await client.delete(where)).status_code == 204


async def test_the_first_key_is_made_once(tmp_path: Path) -> None:
    """The first start makes a key with all scopes, in its owner's file; the second none."""
    async with house(tmp_path) as it:
        key = await ensure_first_key(it.gateway.store, tmp_path)
        assert key is not None
        file = tmp_path / "admin-key"
        assert file.read_text().strip() == key
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert await ensure_first_key(it.gateway.store, tmp_path) is None
        async with it.client(key) as client:
            items = (await client.get("/v1/api-keys")).json()["items"]
            assert [sorted(SCOPES)] == [item["scopes"] for item in items]


@pytest.mark.postgres
async def test_several_that_make_the_first_key_at_once_agree(
    tmp_path: Path, make_store: MakeStore
) -> None:
    """Whoever comes second takes the key of the same file; one of them tells it, and none fails."""
    store = await make_store("postgresql", PARTS.migrations, service="gateway")
    for number in range(5):
        async with store.work() as work:
            await work.execute(delete(ApiKeyRow))
        folder = tmp_path / str(number)
        told = await asyncio.gather(*(ensure_first_key(store, folder) for _ in range(8)))
        assert {each for each in told if each} == {(folder / "admin-key").read_text().strip()}
        async with store.read() as reader:
            assert len((await reader.scalars(select(ApiKeyRow))).all()) == 1


async def test_an_old_first_key_counts_in_a_new_store(tmp_path: Path) -> None:
    """A file that outlived its store is taken over without being told; garbage is refused."""
    (tmp_path / "a").mkdir()
    async with house(tmp_path / "a") as it:
        key = await ensure_first_key(it.gateway.store, tmp_path / "a")
    (tmp_path / "b").mkdir()
    async with house(tmp_path / "b") as it:
        old = tmp_path / "b" / "admin-key"
        old.write_text("nonsense")
        with pytest.raises(FirstKeyUnreadable, match="admin-key"):
            await ensure_first_key(it.gateway.store, tmp_path / "b")
        old.write_text(f"{key}\n")
        assert await ensure_first_key(it.gateway.store, tmp_path / "b") is None
        async with it.client(key) as client:
            assert (await client.get("/v1/api-keys")).status_code == 200
