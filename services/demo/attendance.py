"""Who takes part in which event: how many are new, how many were there before."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from services.demo.people import Person, Town
from services.demo.programme import EVERYBODY, Planned


@dataclass(frozen=True, slots=True)
class Crowd:
    """The people of an event, in the order in which they register.

    `came` had a place and came, `promoted` are those of them who got it from the line.
    """

    came: tuple[Person, ...]
    promoted: tuple[Person, ...]
    missed: tuple[Person, ...]
    cancelled: tuple[Person, ...]
    waited: tuple[Person, ...]
    not_selected: tuple[Person, ...]


def crowds(
    rng: random.Random, events: list[Planned], *, persons: int, applicants: int
) -> dict[str, Crowd]:
    """Return the crowd of each event; those who came are `persons` different people over all.

    Whoever comes again has been at an event before. Raises ValueError where that cannot be.
    """
    town = Town(rng)
    again = _again(events, persons)
    known: list[Person] = []
    result: dict[str, Crowd] = {}
    for event in events:
        filling, sectors = event.filling, event.filling.sectors or EVERYBODY
        meeting = _meeting(town, sectors)
        back = rng.sample(known, again[event.slug])
        came = back + [next(meeting) for _ in range(filling.came - len(back))]
        rng.shuffle(came)
        known += [each for each in came if each not in back]
        in_line = min(filling.waiting, filling.cancelled)
        result[event.slug] = Crowd(
            came=tuple(came),
            promoted=tuple(came[len(came) - in_line :]),
            missed=tuple(next(meeting) for _ in range(filling.missed)),
            cancelled=tuple(next(meeting) for _ in range(filling.cancelled)),
            waited=tuple(next(meeting) for _ in range(filling.waiting - in_line)),
            not_selected=tuple(
                next(meeting) for _ in range(applicants - filling.came if event.is_course else 0)
            ),
        )
    return result


def _meeting(town: Town, sectors: dict[str, float]) -> Iterator[Person]:
    while True:
        yield town.meet(sectors)


def _again(events: list[Planned], persons: int) -> dict[str, int]:
    """Return how many come again to each event: as the crowd's size asks, in the end exactly."""
    came = [event.filling.came for event in events]
    left = sum(came) - persons
    if left < 0:
        raise ValueError(f"{sum(came)} attendances are fewer than {persons} persons")
    later = sum(came[1:])
    again = {events[0].slug: 0}
    known = came[0]
    for event in events[1:]:
        share = min(known, event.filling.came, round(left * event.filling.came / later))
        again[event.slug] = share
        known += event.filling.came - share
        left -= share
        later -= event.filling.came
    if left:
        raise ValueError(f"{left} people too many would have to come again")
    return again
