"""Decides what an event must say, when it counts, and what keeps it from being published."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from shared.contracts.words import Sector, SessionMode
from shared.problem import Problem

ATTENDANCE_CLOSES_AFTER = timedelta(hours=72)
LONGEST = timedelta(days=400)


class EventIncoherent(Problem):
    """What is said about the event does not fit together.

    `errors` names each field.
    """


class NotReady(Problem):
    """The event lacks what the public must know.

    `missing` names what.
    """


class Described(Protocol):
    """An event as it was drafted."""

    titles: dict[str, str]
    capacity: int
    starts_at: datetime
    ends_at: datetime
    place: str | None
    room_id: str | None
    online_url: str | None
    sessions: list[dict[str, Any]]
    sector_quotas: dict[str, int]
    registration_opens_at: datetime | None
    registration_closes_at: datetime | None


def local_date(at: datetime, time_zone: str) -> date:
    """Return the date of an instant on the wall clock of a zone."""
    return at.astimezone(ZoneInfo(time_zone)).date()


def refuse_incoherent(event: Described) -> None:
    """Raise EventIncoherent with every field that contradicts another."""
    errors = [{"pointer": f"/{name}", "message": said} for name, said in _contradictions(event)]
    if errors:
        raise EventIncoherent("See errors.", errors=errors)


def _contradictions(event: Described) -> list[tuple[str, str]]:
    found = []
    if event.ends_at <= event.starts_at:
        found.append(("ends_at", "The end must be after the start"))
    elif event.ends_at - event.starts_at > LONGEST:
        found.append(("ends_at", f"An event lasts at most {LONGEST.days} days"))
    opens, closes = event.registration_opens_at, event.registration_closes_at
    if closes is not None and closes > event.starts_at:
        found.append(("registration_closes_at", "Registration closes at the begin at the latest"))
    if opens is not None and opens >= (closes or event.starts_at):
        found.append(("registration_opens_at", "Registration must open before it closes"))
    if sum(event.sector_quotas.values()) > event.capacity:
        found.append(("sector_quotas", "The quotas together exceed the capacity"))
    found += _session_contradictions(event.sessions, event.starts_at, event.ends_at)
    return found


def _session_contradictions(
    sessions: Sequence[Mapping[str, Any]], starts_at: datetime, ends_at: datetime
) -> list[tuple[str, str]]:
    found = []
    for index, session in enumerate(sessions):
        begin, end = instant(session["starts_at"]), instant(session["ends_at"])
        if end <= begin:
            found.append((f"sessions/{index}/ends_at", "The end must be after the start"))
        elif begin < starts_at or end > ends_at:
            found.append((f"sessions/{index}", "A session lies within its event"))
    return found


def instant(text: str) -> datetime:
    """Return the instant that is kept as text."""
    return datetime.fromisoformat(text)


def missing(event: Described, now: datetime) -> list[str]:
    """Return what keeps an event from being published, as names of fields."""
    modes = {session["mode"] for session in event.sessions} or {SessionMode.ON_SITE}
    lacks = []
    if "sv" not in event.titles:
        lacks.append("titles.sv")
    if event.capacity < 1:
        lacks.append("capacity")
    if event.starts_at <= now:
        lacks.append("starts_at")
    if modes - {SessionMode.ONLINE} and not (event.place or event.room_id):
        lacks.append("place")
    if modes - {SessionMode.ON_SITE} and not event.online_url:
        lacks.append("online_url")
    return lacks


def is_online(event: Described) -> bool:
    """Say whether an event can be followed online."""
    return any(session["mode"] != SessionMode.ON_SITE for session in event.sessions) or bool(
        event.online_url
    )


def known_sectors(quotas: Mapping[Sector, int]) -> dict[str, int]:
    """Return quotas by the plain word of their sector."""
    return {sector.value: places for sector, places in quotas.items()}
