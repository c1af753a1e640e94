"""The requests that an event is made of, from the draft to the last word about who came."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from services.demo.bookings import RECEPTION
from services.demo.cells import MOMENTS
from services.demo.house import ALLIED_COMPANIES, RESIDENTS, ROOMS, slug_of
from services.demo.programme import APPLY_UNTIL, COURSE_DAYS, Planned
from services.demo.step import ZONE, Step, text, wall

COORDINATOR: Final = "key/coordinator"
DOOR: Final = "key/door"
INTERPRETED_TO: Final = "ar"
"""The source says that there was an interpreter, not into which language."""


def announce(event: Planned) -> Iterator[Step]:
    """Yield the draft of an event and its publication."""
    at = wall(event.published_on, MOMENTS[0])
    yield Step(
        at,
        COORDINATOR,
        "POST",
        "/v1/events",
        _description(event),
        201,
        answer={"status": "draft"},
        takes={f"event/{event.slug}": "id"},
        lane=event.slug,
    )
    yield Step(
        at,
        COORDINATOR,
        "POST",
        f"/v1/events/{{event/{event.slug}}}/publication",
        answer={"status": "awaiting-room" if event.filling.room else "published"},
        lane=event.slug,
    )


def _description(event: Planned) -> dict[str, Any]:
    filling, facts = event.filling, event.facts
    body: dict[str, Any] = {
        "format": facts["format"],
        "titles": {"sv": facts["title"], "en": filling.title_en},
        "capacity": filling.capacity,
        "starts_at": text(event.begins),
        "ends_at": text(event.ends),
        "time_zone": ZONE.key,
        "place": filling.place,
        "partners": _partners(event),
    }
    if "theme" in facts:
        body["theme_id"] = f"{{theme/{facts['theme']}}}"
    if facts.get("interpreter"):
        body["interpreted_to"] = [INTERPRETED_TO]
    if filling.room:
        name = next(room.name for room in ROOMS if room.slug == filling.room)
        body |= {"room_id": f"{{room/{filling.room}}}", "place": f"{filling.place}, {name}"}
    if event.is_course:
        body |= {
            "admission": "application",
            "online_url": f"https://example.org/{event.slug}",
            "registration_closes_at": text(wall(APPLY_UNTIL, "22:00")),
            "sessions": [
                {
                    "starts_at": text(wall(day, filling.starts)),
                    "ends_at": text(wall(day, filling.ends)),
                    "mode": mode,
                }
                for day, mode in COURSE_DAYS
            ],
        }
    return body


def _partners(event: Planned) -> list[dict[str, str]]:
    allies = [*RESIDENTS[:9], *ALLIED_COMPANIES] if "allied_actors" in event.facts else []
    roles = [
        ("malmoandan", "organiser"),
        *((slug_of(name), "partner") for name in event.facts.get("partners", [])),
        *((slug_of(name), "panel") for name in event.facts.get("panel", [])),
        *((each.slug, "ally") for each in allies),
    ]
    return [{"organisation_id": f"{{organisation/{slug}}}", "role": role} for slug, role in roles]


def look_in(event: Planned) -> Iterator[Step]:
    """Yield who is counted without a name, and the check-in of the room where the house has it."""
    for heads in event.filling.heads:
        if heads.how == "group":
            continue  # a group is marked as attended, like everybody who is registered
        path = "head-counts" if heads.how == "count" else "walk-ins"
        body: dict[str, Any] = {"people": heads.people}
        if heads.sector:
            body["sector"] = heads.sector
        yield Step(
            event.looked_in,
            DOOR,
            "POST",
            f"/v1/events/{{event/{event.slug}}}/{path}",
            body,
            201,
            answer={"people": heads.people},
        )
    if event.filling.room:
        yield from _check_in(event)


def _check_in(event: Planned) -> Iterator[Step]:
    span = f"from={text(event.begins)}&to={text(event.ends)}&status=confirmed"
    yield Step(
        event.looked_in,
        RECEPTION,
        "GET",
        f"/v1/bookings?room_id={{room/{event.filling.room}}}&{span}",
        takes={f"booking/{event.slug}": "items.0.id"},
        lane=event.slug,
    )
    yield Step(
        event.looked_in,
        RECEPTION,
        "POST",
        f"/v1/bookings/{{booking/{event.slug}}}/check-in",
        {"people": event.everybody},
        answer={"status": "checked-in", "people": event.everybody},
        lane=event.slug,
    )


def close(event: Planned) -> Iterator[Step]:
    """Yield the last word about who came, the morning after; one event closes by itself."""
    if event.filling.closes_itself:
        return
    yield Step(
        wall(event.last_day + timedelta(days=1), MOMENTS[0]),
        DOOR,
        "POST",
        f"/v1/events/{{event/{event.slug}}}/attendance-closing",
        answer={"attended": event.everybody},
    )
