"""How the year is prepared: keys, organisations, the venue and its rooms, the themes."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

from services.demo.house import ORGANISATIONS, ROOMS, Organisation
from services.demo.programme import FACTS
from services.demo.step import ZONE, Step, wall

BEGINS: Final = datetime(2022, 11, 1, tzinfo=ZONE)
"""Where the replay clock of the demo starts."""
ADMIN: Final = "key/admin"
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "key/registrar": ("directory:admin",),
    "key/caretaker": ("booking:admin",),
    "key/reception": ("booking:write", "booking:read"),
    "key/counter": ("visits:write",),
    "key/coordinator": ("events:admin",),
    "key/clerk": ("registrations:write", "registrations:read"),
    "key/door": ("attendance:write",),
    "key/evaluator": ("surveys:admin", "reports:admin"),
    "key/reader": ("reports:read",),
}
"""Who works in the house, and what each may do."""
THEMES_ENGLISH: Final = {
    "hate-and-threats": "Democracy and knowledge against hate and threats in the city",
    "equal-health": "Equal health: movement and food, seen from the rise of type 2 diabetes",
    "youth-labour-market": "Follow-up of equal terms for the young on the labour market",
}


def open_house() -> Iterator[Step]:
    """Yield what happens in November 2022, before anybody books."""
    first = wall(date(2022, 11, 1), "08:30")
    for name, scopes in KEYS.items():
        yield _key(first, name, scopes)
    for each in ORGANISATIONS:
        yield _organisation(first, each)
        if each.has_key:
            of = {"organisation_id": f"{{organisation/{each.slug}}}"}
            yield _key(first, f"key/{each.slug}", ("booking:write", "booking:read"), of)
    yield Step(
        first,
        "key/caretaker",
        "POST",
        "/v1/venues",
        {"name": FACTS["venue"]["name"], "time_zone": ZONE.key},
        201,
        takes={"venue": "id"},
    )
    yield from _rooms(first)
    decided = wall(date.fromisoformat(f"{FACTS['themes_decided']}-15"), "14:30")
    for theme in FACTS["themes"]:
        titles = {"sv": theme["sv"], "en": THEMES_ENGLISH[theme["key"]]}
        yield Step(
            decided,
            "key/coordinator",
            "POST",
            "/v1/themes",
            {"year": FACTS["year"], "key": theme["key"], "titles": titles},
            201,
            takes={f"theme/{theme['key']}": "id"},
        )


def _rooms(at: datetime) -> Iterator[Step]:
    for room in ROOMS:
        body = {
            "venue_id": "{venue}",
            "name": room.name,
            "capacity": room.capacity,
            "equipment": list(room.equipment),
            "opens_at": "08:00",
            "closes_at": "22:00",
            "buffer_minutes": room.buffer_minutes,
            "needs_approval": room.needs_approval,
        }
        takes = {f"room/{room.slug}": "id"}
        yield Step(at, "key/caretaker", "POST", "/v1/rooms", body, 201, takes=takes)


def _organisation(at: datetime, each: Organisation) -> Step:
    body = {
        "name": each.name,
        "kind": each.kind,
        "sector": each.sector,
        "resident": each.resident,
    }
    takes = {f"organisation/{each.slug}": "id"}
    return Step(at, "key/registrar", "POST", "/v1/organisations", body, 201, takes=takes)


def _key(
    at: datetime, name: str, scopes: tuple[str, ...], of: dict[str, Any] | None = None
) -> Step:
    body = {"name": name.removeprefix("key/"), "scopes": list(scopes), **(of or {})}
    return Step(at, ADMIN, "POST", "/v1/api-keys", body, 201, takes={name: "key"})
