"""When the rooms of the house are wanted: the cells of the year, and how much each is."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from services.demo.house import ROOMS, Room
from services.demo.step import wall

LONGEST_BUFFER: Final = timedelta(minutes=30)
MONTHS: Final = (0.9, 1.0, 1.15, 1.0, 1.1, 0.75, 0.25, 0.7, 1.1, 1.15, 1.2, 0.8)
QUIET_DAYS: Final = ("01-01", "01-06", "06-23", "06-24", "12-24", "12-25", "12-26", "12-31")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the day: when it is looked in, and the times people book in it.

    All of them are running at `looked_in`, and those of different parts leave the longest buffer
    of any room between them.
    """

    name: str
    looked_in: str
    times: tuple[tuple[str, str], ...]
    weekday: float
    weekend: float


PARTS: Final = (
    Part(
        "morning",
        "10:30",
        (("09:00", "11:30"), ("09:30", "12:00"), ("10:00", "12:00"), ("08:30", "11:00")),
        0.8,
        0.7,
    ),
    Part(
        "afternoon",
        "14:30",
        (("13:00", "16:00"), ("13:00", "15:00"), ("14:00", "16:30"), ("13:30", "16:45")),
        0.9,
        1.1,
    ),
    Part(
        "evening",
        "18:30",
        (("17:30", "19:30"), ("18:00", "20:00"), ("18:00", "21:00"), ("17:30", "20:30")),
        2.4,
        0.7,
    ),
)
MOMENTS: Final = tuple(part.looked_in for part in PARTS)
"""When something happens on a day of the demo."""
WEEKDAYS: Final = (1.0, 1.15, 1.15, 1.0, 0.6, 0.9, 0.8)


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """A room in a part of a day."""

    day: date
    part: int
    room: int

    @property
    def where(self) -> Room:
        """The room."""
        return ROOMS[self.room]

    @property
    def looked_in(self) -> datetime:
        """When it is seen who came."""
        return wall(self.day, PARTS[self.part].looked_in)

    @property
    def wanted(self) -> float:
        """How much it is wanted, compared with others; 0 on the quiet days of the year."""
        if f"{self.day:%m-%d}" in QUIET_DAYS:
            return 0
        part = PARTS[self.part]
        by_day = part.weekend if self.day.weekday() > 4 else part.weekday
        return (
            by_day * WEEKDAYS[self.day.weekday()] * MONTHS[self.day.month - 1] * self.where.wanted
        )

    def times(self, which: int) -> tuple[datetime, datetime]:
        """Return one of the usual times of this part of the day."""
        starts, ends = PARTS[self.part].times[which % len(PARTS[self.part].times)]
        return wall(self.day, starts), wall(self.day, ends)

    def meets(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Say whether any usual time of the cell comes nearer to a time than the longest buffer."""
        spans = [self.times(which) for which in range(len(PARTS[self.part].times))]
        return any(
            begin < ends_at + LONGEST_BUFFER and starts_at < end + LONGEST_BUFFER
            for begin, end in spans
        )


def days(first: date, last: date) -> list[date]:
    """Return the days from `first` to `last`, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def cells(of: Iterable[date]) -> list[Cell]:
    """Return every cell of these days, in order."""
    return [Cell(day, part, room) for day in of for part in range(len(PARTS)) for room in range(8)]


def draw(rng: random.Random, free: Iterable[Cell], number: int) -> list[Cell]:
    """Return `number` different cells, the wanted ones more often; raise ValueError for too few."""
    keyed = [(rng.random() ** (1 / cell.wanted), cell) for cell in sorted(free) if cell.wanted]
    if len(keyed) < number:
        raise ValueError(f"{len(keyed)} free cells, {number} wanted")
    keyed.sort(reverse=True)
    return sorted(cell for _, cell in keyed[:number])
