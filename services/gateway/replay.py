"""Moving a whole house through time, stopping wherever something is due on the way."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from shared.clock import ReplayClock
from shared.problem import Problem
from shared.quiet import AskQuiet, NotQuiet, until_quiet

Move = Callable[[datetime], Awaitable[None]]
RunOn = Callable[[], Awaitable[None]]


class ClockIsAhead(Problem):
    """The replay clock only moves forwards.

    `now` tells where it stands.
    """


class HouseBusy(Problem):
    """The house did not come to rest in time.

    `reasons` names what is still going on; the clock stands where it was busy.
    """


class Replay:
    """The replay clock of a house: what to ask, what to move, and how long to be patient.

    `asks` are all services, `moves` and `run_ons` all clocks; where services share one clock,
    moving it again is nothing.
    """

    def __init__(
        self,
        clock: ReplayClock,
        *,
        asks: Sequence[AskQuiet],
        moves: Sequence[Move],
        run_ons: Sequence[RunOn],
        patience_seconds: float,
    ) -> None:
        self._clock = clock
        self._asks = asks
        self._moves = moves
        self._run_ons = run_ons
        self._patience = patience_seconds
        self._turn = asyncio.Lock()

    def now(self) -> datetime:
        """Return where the clock stands."""
        return self._clock.now()

    async def is_quiet(self) -> bool:
        """Tell whether nothing is left to do anywhere, by one look."""
        return all(state.is_quiet for state in await asyncio.gather(*(ask() for ask in self._asks)))

    async def move(self, to: datetime) -> None:
        """Go to `to` by way of every due time before it, and return when the house is quiet.

        Where nothing is due up to `to`, the quiet before the move is the quiet after it. Raises
        ClockIsAhead, and HouseBusy where something does not come to rest.
        """
        async with self._turn:
            if to < self._clock.now():
                raise ClockIsAhead(
                    "The replay clock stands later than that.", now=_text(self._clock.now())
                )
            due = await self._next_due()
            while due is not None and due <= to:
                await self._set(due)
                due = await self._next_due()
            await self._set(to)

    async def run_on(self) -> None:
        """Let the clock run at the speed of ordinary time."""
        async with self._turn:
            for run_on in self._run_ons:
                await run_on()

    async def _next_due(self) -> datetime | None:
        """Wait until the house is quiet, and return when it will have something to do."""
        try:
            states = await until_quiet(self._asks, seconds=self._patience)
        except NotQuiet as error:
            raise HouseBusy(
                "Something does not come to rest.",
                reasons=str(error).split("; "),
                now=_text(self._clock.now()),
            ) from error
        return min((each.next_due for each in states if each.next_due is not None), default=None)

    async def _set(self, at: datetime) -> None:
        """Move every clock to `at`; one that runs by itself may be past it."""
        await asyncio.gather(*(move(at) for move in self._moves))


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
