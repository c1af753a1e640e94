"""The gatherings of the year: who books what when, what becomes of it, and how many came."""

import random
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from services.demo.cells import MOMENTS, Cell, cells, days, draw
from services.demo.house import ALLIED_COMPANIES, RESIDENTS, ROOMS, Organisation
from services.demo.step import wall

NO_SHOWS: Final = 46
CANCELLED: Final = 104
"""Cancelled, and nobody took their place."""
REPLACED: Final = 42
"""Cancelled, and somebody else took their place."""
MOVED: Final = 18
REFUSED: Final = 24
"""Asked for a room that was taken."""
FIRST_BOOKING_ON: Final = date(2022, 12, 1)
TERMS: Final = ((3, 23), (35, 50))
"""The weeks of spring and autumn in which associations meet weekly."""
SERIES: Final = 16
PURPOSES: Final = (
    "Styrelsemöte", "Medlemsmöte", "Studiecirkel", "Språkkafé", "Föreläsning", "Utbildning",
    "Workshop", "Repetition", "Seminarium", "Planeringsmöte", "Öppet hus", "Filmkväll",
    "Matlagning", "Ungdomskväll", "Rådgivning", "Samtalsgrupp",
)  # fmt: skip

Outcome = Literal["came", "no-show", "cancelled", "refused"]


@dataclass(frozen=True, slots=True)
class Gathering:
    """A booking and what becomes of it."""

    name: str
    cell: Cell
    starts_at: datetime
    ends_at: datetime
    organisation: Organisation
    purpose: str
    expected_people: int
    made_at: datetime
    outcome: Outcome
    people: int = 0
    cancelled_at: datetime | None = None
    moved_from: Cell | None = None
    moved_at: datetime | None = None


class Diary:
    """The house's diary while it is being filled: no cell is given twice."""

    def __init__(self, rng: random.Random, free: Collection[Cell]) -> None:
        self._rng = rng
        self.free = set(free)
        self.gatherings: list[Gathering] = []

    def take(
        self, cell: Cell, by: Organisation, outcome: Outcome, made_at: datetime, which: int
    ) -> Gathering:
        """Enter a gathering."""
        self.free.discard(cell)
        starts_at, ends_at = cell.times(which)
        expected = max(3, round(cell.where.capacity * (0.25 + 0.5 * self._rng.random())))
        gathering = Gathering(
            name=f"booking/{len(self.gatherings) + 1:04}",
            cell=cell,
            starts_at=starts_at,
            ends_at=ends_at,
            organisation=by,
            purpose=self._rng.choice(PURPOSES),
            expected_people=expected,
            made_at=made_at,
            outcome=outcome,
            people=self._came(expected, cell) if outcome == "came" else 0,
            cancelled_at=self._between(made_at, cell) if outcome == "cancelled" else None,
        )
        self.gatherings.append(gathering)
        return gathering

    def moment_before(self, cell: Cell) -> datetime:
        """Return a moment some days to some weeks before a cell."""
        ahead = min(60, 2 + int(self._rng.expovariate(1 / 14)))
        day = max(FIRST_BOOKING_ON, cell.day - timedelta(days=ahead))
        return wall(day, self._rng.choice(MOMENTS))

    def _between(self, made_at: datetime, cell: Cell) -> datetime:
        """Return a moment on a day after `made_at` and before the day of the cell."""
        first, last = made_at.date() + timedelta(days=1), cell.day - timedelta(days=1)
        day = first + timedelta(days=int(self._rng.random() * ((last - first).days + 1)))
        return wall(max(first, day), self._rng.choice(MOMENTS))

    def _came(self, expected: int, cell: Cell) -> int:
        return min(cell.where.capacity, max(2, round(expected * (0.65 + 0.5 * self._rng.random()))))

    def meet_weekly(self) -> None:
        """Give some residents a weekly time, booked a month at a time in the month before."""
        slots = [(day, room) for day in (0, 1, 2, 3) for room in range(len(ROOMS))]
        self._rng.shuffle(slots)
        for number, (weekday, room) in enumerate(sorted(slots[:SERIES])):
            by, which = RESIDENTS[number * 2], int(self._rng.random() * 4)
            for first, last in TERMS:
                for week in range(first, last + 1):
                    cell = Cell(date.fromisocalendar(2023, week, weekday + 1), 2, room)
                    if cell not in self.free or not cell.wanted:
                        continue
                    lot = self._rng.random()
                    outcome: Outcome = "came"
                    if lot < 0.06:
                        outcome = "no-show" if lot < 0.02 else "cancelled"
                    self.take(cell, by, outcome, _month_before(cell.day, number), which)

    def meet_once(self, number: int, outcome: Outcome) -> None:
        """Enter single gatherings where the house is wanted most."""
        everybody = (*RESIDENTS, *ALLIED_COMPANIES)
        for cell in draw(self._rng, self.free, number):
            by = self._rng.choice(everybody)
            self.take(cell, by, outcome, self.moment_before(cell), int(self._rng.random() * 4))

    def give_way(self) -> None:
        """Have others before some gatherings, who cancelled and so made room for them."""
        for late in self._some(REPLACED, lead=timedelta(days=4)):
            early = self.take(
                late.cell,
                self._rng.choice(RESIDENTS),
                "cancelled",
                late.made_at - timedelta(days=14),
                int(self._rng.random() * 4),
            )
            self.gatherings[-1] = replace(early, cancelled_at=late.made_at - timedelta(days=1))

    def be_moved(self) -> None:
        """Have some gatherings booked for another day first."""
        chosen = self._some(MOVED, lead=timedelta(days=6))
        for late in chosen:
            near = [
                cell
                for cell in sorted(self.free)
                if cell.room == late.cell.room
                and timedelta(0) < cell.day - late.cell.day < timedelta(days=15)
            ]
            before = self._rng.choice(near)
            self.free.discard(before)
            self._replace(late, moved_from=before, moved_at=late.made_at + timedelta(days=2))

    def be_refused(self) -> None:
        """Have some ask for what is taken."""
        for held in self._some(REFUSED, lead=timedelta(days=3)):
            self.take(
                held.cell,
                self._rng.choice(ALLIED_COMPANIES),
                "refused",
                held.made_at + timedelta(days=1),
                int(self._rng.random() * 4),
            )

    def _some(self, number: int, *, lead: timedelta) -> list[Gathering]:
        """Return gatherings that came, made `lead` before, where no request is left undecided."""
        used = {g.cell for g in self.gatherings if g.outcome != "came" or g.moved_at}
        fit = [
            g
            for g in self.gatherings
            if g.outcome == "came"
            and g.made_at.date() - timedelta(days=14) > FIRST_BOOKING_ON
            and g.cell.day - g.made_at.date() > lead
            and not g.cell.where.needs_approval
            and g.cell not in used
        ]
        return self._rng.sample(fit, number)

    def _replace(self, old: Gathering, **changes: Any) -> None:
        self.gatherings[self.gatherings.index(old)] = replace(old, **changes)


def gather(
    rng: random.Random, *, total: int, first: date, last: date, taken: Collection[Cell]
) -> list[Gathering]:
    """Return the year's bookings, of which `total` come; none in a cell that is `taken`."""
    diary = Diary(rng, set(cells(days(first, last))) - set(taken))
    diary.meet_weekly()
    came = sum(g.outcome == "came" for g in diary.gatherings)
    diary.meet_once(total - came, "came")
    diary.meet_once(NO_SHOWS, "no-show")
    diary.meet_once(CANCELLED, "cancelled")
    diary.be_moved()
    diary.be_refused()
    diary.give_way()
    return diary.gatherings


def _month_before(day: date, number: int) -> datetime:
    """Return a moment in the month before `day`, each series on a day of its own."""
    in_month = day.replace(day=1) - timedelta(days=1)
    return wall(in_month.replace(day=10 + number), MOMENTS[number % len(MOMENTS)])
