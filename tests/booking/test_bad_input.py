"""Bad input is refused with what is wrong, and nothing is changed by it."""

from typing import Any

import pytest

from tests.booking.scene import OURS, Scene, at

pytestmark = pytest.mark.anyio

GOOD = {
    "starts_at": "2023-03-07T17:00:00Z",
    "ends_at": "2023-03-07T19:00:00Z",
    "expected_people": 20,
    "purpose": "Möte",
    "organisation_id": OURS,
}
CONTACT = {"name": "Alex Ek", "email": "alex@example.org", "language": "sv"}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"starts_at": "2023-03-07T20:00:00Z"}, "ends-before-start"),
    ({"starts_at": "2023-03-07T19:00:00Z"}, "ends-before-start"),
    ({"ends_at": "2023-05-07T17:00:00Z"}, "too-long"),
    ({"starts_at": "2023-03-01T07:00:00Z", "ends_at": "2023-03-01T09:00:00Z"}, "past"),
    ({"starts_at": "2023-03-07T06:30:00Z"}, "closed"),
    ({"ends_at": "2023-03-07T21:30:00Z"}, "closed"),
    ({"ends_at": "2023-03-08T10:00:00Z"}, "closed"),
    ({"expected_people": 71}, "too-many-people"),
    ({"room_id": "nowhere"}, "unknown-room"),
    ({"organisation_id": "nobody"}, "unknown-organisation"),
    ({"starts_at": "2023-03-07T17:00:00"}, "invalid-request"),
    ({"starts_at": "2023-03-26 02:30"}, "invalid-request"),
    ({"starts_at": 1678208400}, "invalid-request"),
    ({"starts_at": "9999-12-31T23:59:59Z"}, "invalid-request"),
    ({"expected_people": 0}, "invalid-request"),
    ({"expected_people": -1}, "invalid-request"),
    ({"expected_people": 10**30}, "invalid-request"),
    ({"expected_people": "20"}, "invalid-request"),
    ({"expected_people": 1.5}, "invalid-request"),
    ({"purpose": "a\u0000b"}, "invalid-request"),
    ({"purpose": "a\nb"}, "invalid-request"),
    ({"purpose": "x" * 301}, "invalid-request"),
    ({"purpose": None}, "invalid-request"),
    ({"organisation_id": "a b"}, "invalid-request"),
    ({"status": "confirmed"}, "invalid-request"),
    ({"contact": {**CONTACT, "email": "x"}}, "invalid-request"),
    (
        {"contact": {"name": "A", "email": "a@b.se\r\nBcc: c@d.se", "language": "sv"}},
        "invalid-request",
    ),
    ({"contact": {**CONTACT, "language": "tlh"}}, "invalid-request"),
    (
        {"contact": {"name": "=?UTF-8?Q?=0A?=", "email": "a@b.se", "language": "sv"}},
        "invalid-request",
    ),
]


async def test_a_bad_wish_is_refused(here: Scene) -> None:
    """Each is a 422 problem that says which thing is wrong; none holds the room."""
    room = await here.room(opens_at="08:00", closes_at="22:00")
    told = len(await here.it.told())
    for bad, slug in BAD:
        answer = await here.client.post("/v1/bookings", json={"room_id": room, **GOOD, **bad})
        assert (bad, answer.status_code) == (bad, 422)
        assert (bad, answer.json()["type"]) == (bad, f"/problems/{slug}")
        if slug == "invalid-request":
            assert answer.json()["errors"][0]["pointer"].startswith(f"/{next(iter(bad))}")
    raw = b'{"purpose": "\\ud800", "room_id": "x"}'
    headers = {"content-type": "application/json"}
    answer = await here.client.post("/v1/bookings", content=raw, headers=headers)
    assert 400 <= answer.status_code < 500
    assert len(await here.it.told()) == told
    assert (await here.client.get("/v1/bookings")).json()["items"] == []


async def test_a_bad_change_leaves_the_booking(sqlite_here: Scene) -> None:
    """A move that makes no sense, and an action on what is not there, change nothing."""
    here = sqlite_here
    booking = await here.booked(await here.room(), at(7, 17), at(7, 19))
    path = f"/v1/bookings/{booking['id']}"
    for bad, status in [
        ({}, 422),
        ({"ends_at": "2023-03-07T16:00:00Z"}, 422),
        ({"room_id": "nowhere"}, 422),
        ({"starts_at": None}, 422),
        ({"expected_people": 3}, 422),
        ({"starts_at": "2023-03-01T07:00:00Z"}, 422),
    ]:
        assert (bad, (await here.client.patch(path, json=bad)).status_code) == (bad, status)
    for people in (0, -1, "7", None):
        answer = await here.client.post(f"{path}/check-in", json={"people": people})
        assert (people, answer.status_code) == (people, 422)
    gone = await here.client.post("/v1/bookings/no-such/cancellation")
    assert (gone.status_code, gone.json()["type"]) == (404, "/problems/not-found")
    assert (await here.client.get(path)).json() == booking


async def test_a_bad_room_or_venue_is_refused(sqlite_here: Scene) -> None:
    """Rooms that never open, venues in no zone, visits that are none."""
    here = sqlite_here
    room = {"venue_id": here.venue_id, "name": "x", "capacity": 1}
    wrong: list[dict[str, Any]] = [
        {"opens_at": "24:00"},
        {"opens_at": "22:00", "closes_at": "08:00"},
        {"opens_at": "08:00", "closes_at": "08:00"},
        {"closes_at": "24:01"},
        {"closes_at": "8:00"},
        {"capacity": 0},
        {"buffer_minutes": -1},
        {"buffer_minutes": 1441},
        {"equipment": "projektor"},
        {"equipment": ["x\ny"]},
        {"venue_id": "nowhere"},
    ]
    for bad in wrong:
        answer = await here.client.post("/v1/rooms", json={**room, **bad})
        assert (bad, answer.status_code) == (bad, 422)
    for zone in ("Europe/Malmo", "CET-1", "../etc/passwd", ""):
        body = {"name": "x", "time_zone": zone}
        assert (await here.client.post("/v1/venues", json=body)).status_code == 422
    counts = f"/v1/venues/{here.venue_id}/visit-counts"
    for day, visits in [("2023-02-30", 1), ("2023-3-1", 1), ("2023-03-01", -1)]:
        answer = await here.client.put(f"{counts}/{day}", json={"visits": visits})
        assert answer.status_code == 422
    missing = await here.client.put("/v1/venues/x/visit-counts/2023-03-01", json={"visits": 1})
    assert missing.status_code == 404
    window = "from=2023-03-07T00:00:00Z&to=2023-06-07T00:00:00Z"
    assert (await here.client.get(f"/v1/free-rooms?{window}")).status_code == 422
    assert (await here.client.get("/v1/free-rooms")).status_code == 422
    assert (await here.client.get(f"/v1/rooms/nowhere/availability?{window}")).status_code == 422
    short = "from=2023-03-07T00:00:00Z&to=2023-03-08T00:00:00Z"
    assert (await here.client.get(f"/v1/rooms/nowhere/availability?{short}")).status_code == 404
