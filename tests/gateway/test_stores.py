"""Keys live alike on both databases, and outlive a restart."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from services.gateway.app import create_service
from services.gateway.first_key import ensure_first_key
from services.gateway.settings import Settings
from shared.clock import ReplayClock
from shared.testing.fixtures import DIALECTS
from shared.testing.running import running
from tests.gateway.house import START, Outside

pytestmark = pytest.mark.anyio

MakeUrl = Callable[[str], Awaitable[str]]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_keys_whole_life(dialect: str, make_url: MakeUrl, tmp_path: Path) -> None:
    """First key, a key made with it (again with the same Idempotency-Key), listed, revoked."""
    clock = ReplayClock(START)
    ends = (START + timedelta(days=9)).isoformat()
    body = {"name": "Åsas app", "scopes": ["booking:read", "booking:read"], "expires_at": ends}
    async with running(
        create_service, make_url, tmp_path, dialect=dialect, clock=clock, settings_class=Settings
    ) as it:
        admin = await ensure_first_key(it.service.store, tmp_path)
        outside = Outside(it.service)
        async with outside.client(admin, **{"Idempotency-Key": "k"}) as client:
            made = await client.post("/v1/api-keys", json=body)
            again = await client.post("/v1/api-keys", json=body)
            assert (made.status_code, again.json()) == (201, made.json())
            assert made.json()["scopes"] == ["booking:read"]
            assert made.json()["expires_at"] == "2023-01-11T08:00:00Z"
            assert made.json()["created_at"] == "2023-01-02T08:00:00Z"
            listed = (await client.get("/v1/api-keys")).json()["items"]
            assert {item["name"] for item in listed} == {"The first administrator", "Åsas app"}
            where = made.headers["location"]
            assert (await client.delete(where)).status_code == 204
            assert (await client.get(where)).json()["revoked"] is True
        async with outside.client(made.json()["key"]) as client:
            assert (await client.get("/v1/api-info")).status_code == 401
