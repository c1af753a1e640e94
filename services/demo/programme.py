"""The programme of the year: what the facts say of each event, and what had to be made up."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from services.demo.cells import MOMENTS
from services.demo.step import wall

FACTS: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "programme-2023.json").read_text(encoding="utf-8")
)
"""What the source says, and nothing else."""
YEAR: Final[int] = FACTS["year"]

EVERYBODY: Final = {
    "public-official": 0.24,
    "politician": 0.05,
    "job-seeker": 0.08,
    "association": 0.42,
    "business": 0.13,
    "academia": 0.08,
}
CIVIL_SOCIETY: Final = EVERYBODY | {"association": 1.6}
FROM_THE_CITY: Final = {"public-official": 0.7, "politician": 0.2, "association": 0.1}


@dataclass(frozen=True, slots=True)
class Heads:
    """People who come without a name: in a group of an organisation, counted, or from the street.

    A count needs no registration; a group is registered, and those who walk in are counted.
    """

    how: Literal["group", "count", "walk-ins"]
    people: int
    organisation: str | None = None
    sector: str | None = None


@dataclass(frozen=True, slots=True)
class Filling:
    """What the source leaves open about an event, made up.

    `came` people with a name, besides them `missed` who had a place and did not come, `cancelled`
    who gave theirs back, `waiting` in line for whose places, `asked` by the public form;
    `ratings` says how many of those who came answered with 1, 2, 3, 4 and 5.
    """

    title_en: str
    day: date
    starts: str
    ends: str
    capacity: int
    came: int
    place: str = "Föreningscentret Nobel 21"
    room: str | None = None
    missed: int = 3
    cancelled: int = 2
    waiting: int = 0
    asked: int = 1
    heads: tuple[Heads, ...] = ()
    sectors: dict[str, float] | None = None
    closes_itself: bool = False
    ratings: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)


CITY_HALL: Final = "Malmö stadshus"
FILLINGS: Final[dict[str, Filling]] = {
    "larandelunch-pitch": Filling(
        "Learning lunch and workshop with the project PITCH",
        date(2023, 2, 9), "11:30", "13:30", 30, came=5, room="verkstaden", missed=1, cancelled=1,
        heads=(Heads("group", 14, "swideas", "job-seeker"),),
    ),
    "larandelunch-trygghet": Filling(
        "Safety makes development",
        date(2023, 3, 16), "11:30", "13:00", 40, came=24, room="forum", ratings=(0, 0, 1, 1, 1),
    ),
    "malmotimmen-jamlik-halsa": Filling(
        "Equal health: movement and food, seen from the rise of type 2 diabetes",
        date(2023, 3, 30), "17:00", "19:00", 60, came=38, place="MISO", asked=2,
        ratings=(0, 0, 3, 6, 21),
    ),
    "konferens-malmo-tillsammans": Filling(
        "Malmö Together: closing conference",
        date(2023, 4, 20), "13:00", "16:30", 90, came=54, place=CITY_HALL, missed=5, cancelled=4,
        heads=(Heads("walk-ins", 6),),
    ),
    "malmotimmen-hat-och-hot": Filling(
        "Hate and threats against civil society",
        date(2023, 5, 11), "17:00", "19:00", 70, came=50, place="MISO", missed=4, cancelled=3,
        asked=2, sectors=CIVIL_SOCIETY, ratings=(0, 2, 5, 12, 21),
    ),
    "dialogforum-jamlik-halsa": Filling(
        "Equal health: movement and food, seen from the rise of type 2 diabetes",
        date(2023, 5, 25), "08:30", "12:00", 110, came=80, room="salen", missed=7, cancelled=5,
        asked=4, ratings=(2, 3, 9, 15, 21),
    ),
    "larandelunch-rorelse": Filling(
        "Movement, joy of life and participation for the people of Malmö",
        date(2023, 6, 8), "11:30", "13:00", 40, came=38, room="forum", missed=2, cancelled=5,
        waiting=9, asked=2,
    ),
    "studiebesok-lund": Filling(
        "International exchange programme",
        date(2023, 6, 14), "10:00", "12:00", 40, came=3, missed=0, cancelled=0, asked=0,
        heads=(Heads("group", 27, "lunds-universitet"),), sectors=FROM_THE_CITY,
    ),
    "workshop-ett-ar-efter-valet": Filling(
        "A year after the election",
        date(2023, 9, 12), "17:00", "20:00", 50, came=28, place="Mottetens hus", asked=2,
        heads=(Heads("walk-ins", 6, sector="association"),),
    ),
    "larandelunch-barnens-karta": Filling(
        "The children's map",
        date(2023, 9, 28), "11:30", "13:00", 30, came=19, place="MISO", closes_itself=True,
    ),
    "seminarium-digitala-hatet": Filling(
        "Stand up against hate online",
        date(2023, 10, 12), "13:00", "16:00", 60, came=36, room="salen", missed=4, cancelled=3,
    ),
    "kurs-medskapa-forandring": Filling(
        "Co-creating change",
        date(2023, 10, 17), "09:00", "16:00", 4, came=4, place="Malmöakademin", missed=0,
        cancelled=0, asked=0, sectors=CIVIL_SOCIETY | {"politician": 0, "job-seeker": 0},
    ),
    "studiebesok-overenskommelsen": Filling(
        "Presentation of the agreement",
        date(2023, 10, 19), "13:00", "15:30", 30, came=2, missed=0, cancelled=0, asked=0,
        heads=(
            Heads("count", 7),
            Heads("count", 9),
        ),
        sectors=FROM_THE_CITY,
    ),
    "larandelunch-bulltofta-sif": Filling(
        "Bulltofta SIF: the leadership of the young",
        date(2023, 11, 1), "11:30", "13:00", 30, came=8, place="Bulltofta", missed=1, cancelled=1,
        heads=(Heads("count", 12),),
    ),
    "larandelunch-ungas-situation": Filling(
        "The young and the labour market",
        date(2023, 11, 23), "11:30", "13:00", 50, came=31, room="forum", missed=4, cancelled=2,
        ratings=(0, 0, 1, 3, 3),
    ),
}  # fmt: skip
APPLICANTS: Final = 11
"""For the course; as many are selected as the facts say there are places."""
INVITED_ON: Final = date(2023, 8, 21)
APPLY_UNTIL: Final = date(2023, 9, 17)
SELECTED_ON: Final = date(2023, 9, 20)
COURSE_DAYS: Final = (
    (date(2023, 10, 17), "on-site"),
    (date(2023, 11, 14), "online"),
    (date(2023, 12, 12), "online"),
    (date(2024, 1, 16), "online"),
    (date(2024, 2, 13), "on-site"),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """An event of the year: the facts and the filling."""

    slug: str
    facts: dict[str, Any]
    filling: Filling

    @property
    def is_course(self) -> bool:
        """Whether places are given by selection."""
        return self.facts.get("selection") == "application"

    @property
    def published_on(self) -> date:
        """The day it becomes public."""
        return INVITED_ON if self.is_course else self.filling.day - timedelta(days=36)

    @property
    def begins(self) -> datetime:
        """When it begins."""
        return wall(self.filling.day, self.filling.starts)

    @property
    def ends(self) -> datetime:
        """When it ends; a course on its last day."""
        return wall(self.last_day, self.filling.ends)

    @property
    def looked_in(self) -> datetime:
        """When it is seen who came: at the first moment after it has begun on its last day."""
        begins = wall(self.last_day, self.filling.starts)
        return next(at for moment in MOMENTS if (at := wall(self.last_day, moment)) > begins)

    @property
    def heads(self) -> int:
        """How many came without a name."""
        return sum(each.people for each in self.filling.heads)

    @property
    def everybody(self) -> int:
        """How many came."""
        return self.filling.came + self.heads

    @property
    def ratings(self) -> tuple[int, ...]:
        """How many answered with 1, 2, 3, 4 and 5."""
        return self.filling.ratings

    @property
    def last_day(self) -> date:
        """The day it ends on."""
        return COURSE_DAYS[-1][0] if self.is_course else self.filling.day


def programme() -> list[Planned]:
    """Return the events of the year in the order in which they begin."""
    planned = [Planned(each["slug"], each, FILLINGS[each["slug"]]) for each in FACTS["events"]]
    return sorted(planned, key=lambda each: each.filling.day)


def people_without_name() -> int:
    """Return how many came who were only counted, over all events."""
    return sum(each.heads for each in programme())
