"""A store that is opened for the first time, by several processes at once."""

import asyncio

import pytest

from shared.clock import SystemClock
from shared.store import Store
from shared.testing.fixtures import MakeUrl
from tests.toy.lender.service import PARTS


@pytest.mark.anyio
@pytest.mark.postgres
async def test_several_processes_open_a_new_store_at_once(make_url: MakeUrl) -> None:
    """Each finds the tables there, and all agree on when the store was made."""
    url = await make_url("postgresql")
    stores = [
        Store(
            url,
            service="lender",
            source="https://test.example",
            clock=SystemClock(),
            migrations=PARTS.migrations,
        )
        for _ in range(4)
    ]
    try:
        await asyncio.gather(*(store.open() for store in stores))
        assert len({store.born_at for store in stores}) == 1
    finally:
        await asyncio.gather(*(store.close() for store in stores))
