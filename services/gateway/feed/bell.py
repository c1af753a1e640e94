"""Wakes the streams of this process when the feed has grown."""

import asyncio


class Bell:
    """Rung after each commit that adds to the feed."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who listens."""
        self._next.set()
        self._next = asyncio.Event()

    def listen(self) -> asyncio.Event:
        """Return what is set at the next ring: take it before you look, or one may be missed."""
        return self._next
