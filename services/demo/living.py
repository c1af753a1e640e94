"""The house after the year: the first week of March 2024, with things to come and to do."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

import httpx2

from services.demo.bookings import moment_after, steps_of
from services.demo.cells import cells, days
from services.demo.gatherings import Diary
from services.demo.house import ORGANISATIONS, RESIDENTS, ROOMS
from services.demo.opening import ADMIN, KEYS
from services.demo.people import Town
from services.demo.player import Player
from services.demo.programme import EVERYBODY
from services.demo.step import ZONE, Step, text, wall

NOW: Final = wall(date(2024, 3, 1), "10:00")
"""When a newcomer comes in."""
PREPARED: Final = wall(date(2024, 2, 15), "10:30")
WEEK: Final = (date(2024, 2, 26), date(2024, 3, 10))
BOOKINGS: Final = 60
LIT: Final = 5
"""Rooms in use when the newcomer comes in."""


@dataclass(frozen=True, slots=True)
class Coming:
    """An event of these weeks, invented; `came` of one that is over and can be evaluated."""

    slug: str
    format: str
    title: str
    title_en: str
    day: date
    starts: str
    ends: str
    capacity: int
    registered: int
    came: int = 0


COMING: Final = (
    Coming(
        "frukostmote", "ovrigt", "Frukost om gården", "Breakfast about the courtyard",
        date(2024, 2, 28), "08:30", "10:00", 30, 18, came=14,
    ),
    Coming(
        "workshop", "workshop", "Skriv så att alla förstår", "Write so that everybody understands",
        date(2024, 3, 7), "17:00", "19:00", 20, 23,
    ),
    Coming(
        "larandelunch", "larandelunch", "Lokaler för alla", "Rooms for everybody",
        date(2024, 3, 13), "11:30", "13:00", 40, 14,
    ),
    Coming(
        "malmotimmen", "malmotimmen", "Föreningslivet och skolan", "Associations and schools",
        date(2024, 3, 21), "17:00", "19:00", 50, 46,
    ),
    Coming(
        "dialogforum", "dialogforum", "En stad att åldras i", "A city to grow old in",
        date(2024, 4, 18), "09:00", "12:00", 100, 31,
    ),
)  # fmt: skip
"""One that is over, one full with a line, one with few places, two with many."""


def plan_week(seed: int) -> list[Step]:
    """Return what happens until the newcomer comes in."""
    steps = [*_bookings(random.Random(f"{seed}/week")), *_events(random.Random(f"{seed}/coming"))]  # noqa: S311 -- a plan, no secret
    return sorted((step for step in steps if step.at < NOW), key=lambda step: step.at)


def _bookings(rng: random.Random) -> Iterator[Step]:
    diary = Diary(rng, set(cells(days(*WEEK))))
    today = [cell for cell in sorted(diary.free) if cell.day == NOW.date() and cell.part == 0]
    for cell in rng.sample(today, LIT):
        by, which = rng.choice(RESIDENTS), int(rng.random() * 4)
        diary.take(cell, by, "came", diary.moment_before(cell), which)
    diary.meet_once(BOOKINGS, "came")
    for gathering in diary.gatherings:
        made_at = max(gathering.made_at, PREPARED)
        yield from steps_of(replace(gathering, made_at=made_at))


def _events(rng: random.Random) -> Iterator[Step]:
    town = Town(rng)
    for event in COMING:
        partner = {"organisation_id": "{organisation/malmoandan}", "role": "organiser"}
        body = {
            "format": event.format,
            "titles": {"sv": event.title, "en": event.title_en},
            "capacity": event.capacity,
            "starts_at": text(wall(event.day, event.starts)),
            "ends_at": text(wall(event.day, event.ends)),
            "time_zone": ZONE.key,
            "place": "Föreningscentret Nobel 21",
            "partners": [partner],
        }
        name = f"event/{event.slug}"
        yield _post(PREPARED, "/v1/events", body, 201, event.slug, takes={name: "id"})
        yield _post(PREPARED, f"/v1/events/{{{name}}}/publication", None, 200, event.slug)
        at = moment_after(PREPARED)
        for number in range(event.registered):
            person = town.meet(EVERYBODY)
            status = "confirmed" if number < event.capacity else "waitlisted"
            registration = {
                "name": person.name,
                "contact": {"email": person.email},
                "sector": person.sector,
                "language": person.language,
            }
            path = f"/v1/events/{{{name}}}/registrations"
            yield _post(
                at,
                path,
                registration,
                201,
                event.slug,
                answer={"status": status},
                takes={f"registration/{event.slug}/{number}": "id"},
            )
            if number % 4 == 3:
                at = min(moment_after(at), NOW - timedelta(hours=1))
        if event.came:
            yield from _over(event)


def _over(event: Coming) -> Iterator[Step]:
    at = wall(event.day, event.starts) + timedelta(minutes=30)
    for number in range(event.came):
        path = f"/v1/registrations/{{registration/{event.slug}/{number}}}/attendance"
        yield _post(at, path, {"attended": True}, 200, event.slug)
    path = f"/v1/events/{{event/{event.slug}}}/attendance-closing"
    yield _post(at + timedelta(hours=24), path, None, 200, event.slug)


def _post(
    at: datetime,
    path: str,
    body: dict[str, Any] | None,
    status: int,
    lane: str,
    *,
    takes: dict[str, str] | None = None,
    answer: dict[str, str] | None = None,
) -> Step:
    return Step(
        at, ADMIN, "POST", path, body, status, answer=answer or {}, takes=takes or {}, lane=lane
    )


async def move_in(client: httpx2.AsyncClient, admin_key: str, *, seed: int = 2023) -> None:
    """Play from the end of the year to 1 March 2024, 10:00 in Malmö, with one key for all.

    Rooms and organisations are found by their names. The clock is left standing.
    """
    player = Player(client, admin_key, name=f"living-{seed}")
    for key in (*KEYS, *(f"key/{each.slug}" for each in ORGANISATIONS if each.has_key)):
        player.know(key, admin_key)
    slugs = {each.name: f"organisation/{each.slug}" for each in ORGANISATIONS}
    slugs |= {each.name: f"room/{each.slug}" for each in ROOMS}
    for path in ("/v1/organisations", "/v1/rooms"):
        async for item in player.every(path):
            if item["name"] in slugs:
                player.know(slugs[item["name"]], item["id"])
    await player.play(plan_week(seed), lambda at, done: None)
    await player.move(NOW)
