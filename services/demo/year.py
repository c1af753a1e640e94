"""The year as a plan: every request of 2023 in the order of its time, from the facts and a seed."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import date

from services.demo.attendance import crowds
from services.demo.bookings import count_visits, steps_of
from services.demo.cells import Cell, cells, days
from services.demo.evaluations import close_the_year, evaluations
from services.demo.events import announce, close, look_in
from services.demo.gatherings import Gathering, gather
from services.demo.house import ROOMS
from services.demo.opening import open_house
from services.demo.programme import APPLICANTS, FACTS, Planned, people_without_name, programme
from services.demo.registrations import registrations
from services.demo.step import Step

FIRST, LAST = date(FACTS["year"], 1, 1), date(FACTS["year"], 12, 31)


@dataclass(frozen=True, slots=True)
class Year:
    """The plan, and the gatherings it is made of."""

    steps: list[Step]
    gatherings: list[Gathering]


def plan(seed: int) -> Year:
    """Return the year; the same seed gives the same steps, byte for byte."""
    events, venue = programme(), FACTS["venue"]
    in_the_house = [event for event in events if event.filling.room]
    gatherings = gather(
        _lot(seed, "gatherings"),
        total=venue["gatherings_in_year_at_least"] - len(in_the_house),
        first=FIRST,
        last=LAST,
        taken=[cell for event in in_the_house for cell in _cells_of(event)],
    )
    came_to_events = Counter[date]()
    for event in in_the_house:
        came_to_events[event.filling.day] += event.everybody
    persons = FACTS["totals"]["participants_about"] - people_without_name()
    who = crowds(_lot(seed, "crowds"), events, persons=persons, applicants=APPLICANTS)
    steps = [
        *open_house(),
        *(step for gathering in _as_made(gatherings) for step in steps_of(gathering)),
        *count_visits(
            _lot(seed, "visits"),
            gatherings,
            came_to_events,
            venue["visits_per_month_mean"] * 12,
        ),
        *(step for event in events for step in announce(event)),
        *registrations(_lot(seed, "registrations"), events, who),
        *(step for event in events for step in (*look_in(event), *close(event))),
        *evaluations(_lot(seed, "evaluations"), events, who),
        *close_the_year(max(events, key=lambda event: event.last_day)),
    ]
    return Year(sorted(steps, key=lambda step: step.at), gatherings)


def _lot(seed: int, what: str) -> random.Random:
    return random.Random(f"{seed}/{what}")  # noqa: S311 -- a plan that can be repeated, no secret


def _as_made(gatherings: list[Gathering]) -> list[Gathering]:
    return sorted(gatherings, key=lambda each: (each.made_at, each.name))


def _cells_of(event: Planned) -> list[Cell]:
    room = next(n for n, room in enumerate(ROOMS) if room.slug == event.filling.room)
    day = event.filling.day
    return [
        cell
        for cell in cells(days(day, day))
        if cell.room == room and cell.meets(event.begins, event.ends)
    ]
