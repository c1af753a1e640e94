"""Turns: of those who want the same lock, this process lets a few wait for it at a time."""

import asyncio
from weakref import WeakValueDictionary

from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.store.engines import WAIT_FOR_WRITER_SECONDS

AT_ONCE = 3
"""One that has the lock, and two that may have it next without a round trip in between."""


class Turns:
    """First come, first served, by the name of what is wanted.

    Whoever waits for a lock of PostgreSQL has a connection meanwhile: a rush on one row would take
    them all, and those who come later overtake.
    """

    def __init__(self) -> None:
        self._wanted: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def wait(self, name: str) -> asyncio.Semaphore:
        """Wait for a turn; `release` what this returns. Raises PoolTimeout where none comes."""
        turn = self._wanted.get(name)
        if turn is None:
            turn = self._wanted[name] = asyncio.Semaphore(AT_ONCE)
        try:
            async with asyncio.timeout(WAIT_FOR_WRITER_SECONDS):
                await turn.acquire()
        except TimeoutError as error:
            raise PoolTimeout("too many want the same") from error
        return turn
