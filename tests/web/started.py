"""All services in this process on a replay clock, as every house of these tests begins."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import httpx2

from services.gateway.first_key import ensure_first_key
from services.gateway.signing_in import MakeSignInLink, make_sign_in_link
from services.settings import ProcessSettings
from services.topology import House, whole_house

SOURCE = "http://127.0.0.1:8000"


@asynccontextmanager
async def started(
    folder: Path, at: datetime, source: str = SOURCE
) -> AsyncIterator[tuple[House, str]]:
    """Start a house whose clock stands at `at`, and give its administrator's key; stop it then."""
    house = whole_house(ProcessSettings(data=folder, replay_from=at, source=source))
    await house.start()
    try:
        key = await ensure_first_key(house.front.store, folder)
        assert key is not None
        yield house, key
    finally:
        await house.stop()


def client_of(house: House, key: str | None = None, **headers: str) -> httpx2.AsyncClient:
    """Return somebody's client at the front of the house, with a key or without."""
    told = {**headers, **({"authorization": f"Bearer {key}"} if key else {})}
    transport = httpx2.ASGITransport(app=house.front.app)
    return httpx2.AsyncClient(transport=transport, base_url=SOURCE, headers=told, timeout=60)


async def sign_in_token(house: House, *scopes: str) -> str:
    """Make a sign-in link of these scopes; return its token."""
    async with house.front.store.work() as work:
        _, token = await make_sign_in_link(work, MakeSignInLink(list(scopes)))
    return token
