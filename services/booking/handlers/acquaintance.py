"""Patience with organisations that directory has just registered: booking is about to hear."""

import asyncio

from services.booking.queries import is_known
from shared.store import Store

LOOKS = 100
"""How often to look, a hundredth of a second apart."""
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
        for _ in range(LOOKS):
            if await self._meets(store, organisation_id):
                return
            await asyncio.sleep(0.01)

    async def _meets(self, store: Store, organisation_id: str) -> bool:
        async with store.read() as reader:
            if not await is_known(reader, organisation_id):
                return False
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known.add(organisation_id)
        return True
