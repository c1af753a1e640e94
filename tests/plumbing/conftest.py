"""Fixtures of the plumbing's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from shared.clock import ReplayClock, SystemClock
from shared.security.inner import HEADER
from shared.service import Service
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import key_with
from tests.toy.house import INNER_KEY, make_bus, make_service
from tests.toy.lender.service import PARTS, Shelf


@pytest.fixture(params=DIALECTS)
async def lender(
    request: pytest.FixtureRequest, tmp_path: Path, make_url: MakeUrl
) -> AsyncIterator[Service]:
    """Run the lender without a bus that moves: only its doors and its store are looked at."""
    bus = make_bus("embedded", tmp_path)
    service = make_service(PARTS, await make_url(request.param), bus, SystemClock())
    await service.store.open()
    async with service.store.work() as work:
        work.add(Shelf(id="s", capacity=3, taken=0))
    yield service
    await service.store.close()


@pytest.fixture
async def client(lender: Service) -> AsyncIterator[httpx2.AsyncClient]:
    """Return a client of the lender, known by a key."""
    transport = httpx2.ASGITransport(app=lender.app, raise_app_exceptions=False)
    headers = {HEADER: INNER_KEY.mint(key_with(id="amina"))}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://lender", headers=headers
    ) as client:
        yield client


@pytest.fixture
def replay_clock() -> ReplayClock:
    """Return a clock that stands at the first of November 2022."""
    from datetime import UTC, datetime

    return ReplayClock(datetime(2022, 11, 1, tzinfo=UTC))
