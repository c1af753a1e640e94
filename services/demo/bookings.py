"""The requests that a year's gatherings are made of."""

import random
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from services.demo.cells import MOMENTS, days
from services.demo.gatherings import Gathering
from services.demo.house import Organisation
from services.demo.people import address
from services.demo.step import ZONE, Step, text, wall

RECEPTION: Final = "key/reception"
CORRECTED: Final = 5
"""Days whose door count was typed in wrong first."""
AT_WEEKENDS: Final = 0.35
"""How many come by at a weekend for no gathering, compared with other days."""


def steps_of(gathering: Gathering) -> Iterator[Step]:
    """Yield what is asked for a gathering, from the booking to the head count."""
    if gathering.outcome == "refused":
        yield _book(gathering, 409, "")
        return
    room = gathering.cell.where
    yield _book(gathering, 201, "requested" if room.needs_approval else "confirmed")
    if room.needs_approval:
        yield _act(
            gathering, moment_after(gathering.made_at), "approval", "confirmed", by="key/caretaker"
        )
    if gathering.moved_at is not None:
        yield Step(
            gathering.moved_at,
            _key_of(gathering.organisation),
            "PATCH",
            f"/v1/bookings/{{{gathering.name}}}",
            {"starts_at": text(gathering.starts_at), "ends_at": text(gathering.ends_at)},
            answer={"status": "confirmed", "starts_at": text(gathering.starts_at)},
            lane=room.slug,
        )
    if gathering.cancelled_at is not None:
        yield _act(gathering, gathering.cancelled_at, "cancellation", "cancelled")
    if gathering.outcome == "came":
        yield _act(
            gathering, gathering.cell.looked_in, "check-in", "checked-in", people=gathering.people
        )


def _book(gathering: Gathering, status: int, becomes: str) -> Step:
    starts_at, ends_at = gathering.starts_at, gathering.ends_at
    if gathering.moved_from is not None:
        starts_at, ends_at = gathering.moved_from.times(0)
    by = gathering.organisation
    body = {
        "room_id": f"{{room/{gathering.cell.where.slug}}}",
        "organisation_id": f"{{organisation/{by.slug}}}",
        "purpose": gathering.purpose,
        "starts_at": text(starts_at),
        "ends_at": text(ends_at),
        "expected_people": gathering.expected_people,
    }
    if by.has_key:
        body["contact"] = {"name": by.name, "email": address(by.slug), "language": "sv"}
    return Step(
        gathering.made_at,
        _key_of(by),
        "POST",
        "/v1/bookings",
        body,
        status,
        answer={"status": becomes} if becomes else {},
        takes={gathering.name: "id"} if becomes else {},
        lane=gathering.cell.where.slug,
    )


def _act(
    gathering: Gathering,
    at: datetime,
    action: str,
    becomes: str,
    *,
    by: str | None = None,
    people: int | None = None,
) -> Step:
    return Step(
        at,
        by or _key_of(gathering.organisation),
        "POST",
        f"/v1/bookings/{{{gathering.name}}}/{action}",
        None if people is None else {"people": people},
        answer={"status": becomes},
        lane=gathering.cell.where.slug,
    )


def _key_of(organisation: Organisation) -> str:
    return f"key/{organisation.slug}" if organisation.has_key else RECEPTION


def moment_after(at: datetime) -> datetime:
    """Return the next moment of the demo after an instant."""
    day = at.astimezone(ZONE).date()
    moments = [wall(d, m) for d in (day, day + timedelta(days=1)) for m in MOMENTS]
    return next(moment for moment in moments if moment > at)


def count_visits(
    rng: random.Random, gatherings: Iterable[Gathering], extra: dict[date, int], total: int
) -> Iterator[Step]:
    """Yield the door counts of a year, which sum up to `total`; each day's typed in the day after.

    Whoever came to a gathering (`extra`: to an event) came through the door; the rest came by.
    """
    heads = {day: extra.get(day, 0) for day in days(date(2023, 1, 1), date(2023, 12, 31))}
    for each in gatherings:
        heads[each.cell.day] += each.people
    weights = {
        day: (AT_WEEKENDS if day.weekday() > 4 else 1) * (0.5 + rng.random()) for day in heads
    }
    visits = {
        day: heads[day] + more
        for day, more in zip(heads, _shares(total - sum(heads.values()), weights), strict=True)
    }
    wrong = set(rng.sample(sorted(visits), CORRECTED))
    for day, number in visits.items():
        typed = wall(day + timedelta(days=1), MOMENTS[0])
        if day in wrong:
            yield _visits(typed, day, number + 10 + int(rng.random() * 90))
            typed = moment_after(typed)
        yield _visits(typed, day, number)


def _visits(at: datetime, day: date, number: int) -> Step:
    path = f"/v1/venues/{{venue}}/visit-counts/{day.isoformat()}"
    body = {"visits": number}
    return Step(at, "key/counter", "PUT", path, body, answer={"visits": number}, lane="visits")


def _shares(total: int, weights: dict[date, float]) -> list[int]:
    """Return whole shares of `total` by weight; raise ValueError for less than nothing."""
    if total < 0:
        raise ValueError(f"{-total} people more came to gatherings than through the door")
    whole = sum(weights.values())
    exact = {day: total * weight / whole for day, weight in weights.items()}
    shares = {day: int(share) for day, share in exact.items()}
    left = total - sum(shares.values())
    for day in sorted(exact, key=lambda each: (shares[each] - exact[each], each))[:left]:
        shares[day] += 1
    return [shares[day] for day in weights]
