"""Patience with organisations that directory has just registered and booking is about to hear of."""

import asyncio

from services.booking.queries import is_known
from shared.store import Store

PATIENCE_SECONDS = 1.0
_MOST = 10_000


class Acquaintance:
    """Remembers whom booking knows, so that nobody known is asked after twice."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    async def wait_for(self, store: Store, organisation_id: str) -> None:
        """Wait until booking has heard of an organisation, for a moment at most.

        Holds nothing meanwhile: call it before the unit of work has begun.
        """
        if organisation_id in self._known:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_SECONDS
        while not await self._meets(store, organisation_id) and loop.time() < until:
            await asyncio.sleep(0.01)

    async def _meets(self, store: Store, organisation_id: str) -> bool:
        async with store.read() as reader:
            if not await is_known(reader, organisation_id):
                return False
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known.add(organisation_id)
        return True
