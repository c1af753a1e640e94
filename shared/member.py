"""What the house asks of everything that runs in it, with a store or without."""

from typing import TYPE_CHECKING, Protocol

from fastapi import FastAPI

from shared.clock import Clock

if TYPE_CHECKING:
    from shared.service import Quiet


class Member(Protocol):
    """A part of the house that answers requests and can be started and stopped."""

    name: str
    app: FastAPI
    clock: Clock

    async def start(self, *, migrate: bool = True) -> None:
        """Come up; raises what keeps it from it."""
        ...

    def drain(self) -> None:
        """End answers that would go on for ever."""
        ...

    async def stop(self) -> None:
        """Finish what is in hand, and give back what is held."""
        ...

    async def quiet(self, *, closely: bool = True) -> "Quiet":
        """Say whether nothing is left to do; `closely` asks the bus what was not read yet."""
        ...
