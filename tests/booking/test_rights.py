"""Who may do what: every operation by the public, without the scope, and for somebody else."""

import pytest

from shared.contracts.booking import BookingConfirmed
from shared.security.principal import PUBLIC, SCOPES
from shared.testing.running import key_with
from tests.booking.scene import OURS, THEIRS, Scene, at

pytestmark = pytest.mark.anyio

WRITES = [
    ("POST", "/v1/venues", "booking:admin"),
    ("POST", "/v1/rooms", "booking:admin"),
    ("PATCH", "/v1/rooms/{room}", "booking:admin"),
    ("POST", "/v1/rooms/{room}/retirement", "booking:admin"),
    ("POST", "/v1/bookings", "booking:write"),
    ("PATCH", "/v1/bookings/{booking}", "booking:write"),
    ("POST", "/v1/bookings/{booking}/cancellation", "booking:write"),
    ("POST", "/v1/bookings/{booking}/check-in", "booking:write"),
    ("POST", "/v1/bookings/{booking}/approval", "booking:admin"),
    ("POST", "/v1/bookings/{booking}/rejection", "booking:admin"),
    ("PUT", "/v1/venues/{venue}/visit-counts/2023-03-01", "visits:write"),
    ("GET", "/v1/bookings", "booking:read"),
    ("GET", "/v1/bookings/{booking}", "booking:read"),
]


async def test_each_operation_needs_its_scope(sqlite_here: Scene) -> None:
    """The public gets 401, a key with all scopes but that one 403 naming it; nothing changes."""
    here = sqlite_here
    booking = await here.booked(await here.room(), at(7, 17))
    bodies = {
        "/v1/venues": {"name": "x", "time_zone": "UTC"},
        "/v1/rooms": {"venue_id": here.venue_id, "name": "x", "capacity": 1},
        "/v1/rooms/{room}": {"capacity": 1},
        "/v1/bookings": here.wish(booking["room_id"], at(8, 17), at(8, 18)),
        "/v1/bookings/{booking}": {"ends_at": at(7, 20).isoformat()},
        "/v1/bookings/{booking}/check-in": {"people": 1},
        "/v1/bookings/{booking}/rejection": {"reason": "x"},
        "/v1/venues/{venue}/visit-counts/2023-03-01": {"visits": 1},
    }
    told = len(await here.it.told())
    for method, path, scope in WRITES:
        url = path.format(booking=booking["id"], room=booking["room_id"], venue=here.venue_id)
        body = bodies.get(path) if method != "GET" else None
        anybody = await here.as_(PUBLIC).request(method, url, json=body)
        assert (path, anybody.status_code) == (path, 401)
        others = here.as_(key_with(*(set(SCOPES) - {scope})))
        refused = await others.request(method, url, json=body)
        assert (path, refused.status_code, refused.json()["scope"]) == (path, 403, scope)
    assert len(await here.it.told()) == told


async def test_a_bound_key_reaches_its_own_organisation_only(here: Scene) -> None:
    """Somebody else's booking does not exist for it, in lists, by id and for every action."""
    room = await here.room()
    mine = await here.booked(room, at(7, 17))
    theirs = await here.booked(room, at(8, 17), organisation_id=THEIRS)
    ours = here.of(OURS)
    listed = (await ours.get("/v1/bookings")).json()["items"]
    assert [each["id"] for each in listed] == [mine["id"]]
    asked = await ours.get(f"/v1/bookings?organisation_id={THEIRS}")
    assert asked.json()["items"] == []
    path = f"/v1/bookings/{theirs['id']}"
    answers = [
        await ours.get(path),
        await ours.patch(path, json={"ends_at": at(8, 20).isoformat()}),
        await ours.post(f"{path}/cancellation"),
        await ours.post(f"{path}/check-in", json={"people": 3}),
        await here.book(room, at(9, 17), client=ours, organisation_id=THEIRS),
        await ours.get("/v1/bookings/no-such-booking"),
    ]
    assert {each.status_code for each in answers} == {404}
    assert len({each.json()["title"] for each in answers}) == 1
    assert (await here.book(room, at(9, 17), client=ours)).status_code == 201
    assert len(await here.it.published(BookingConfirmed)) == 3


async def test_everybody_sees_rooms_and_when_they_are_free_without_names(here: Scene) -> None:
    """The public reads venues, rooms, availability and visits, and learns of no organisation."""
    room = await here.room(opens_at="08:00", closes_at="22:00", buffer_minutes=30)
    await here.booked(room, at(7, 17), at(7, 19))
    anybody = here.as_(PUBLIC)
    window = "from=2023-03-07T00:00:00Z&to=2023-03-08T00:00:00Z"
    answers = [
        await anybody.get(path)
        for path in (
            f"/v1/rooms/{room}/availability?{window}",
            f"/v1/availability?{window}",
            f"/v1/rooms/{room}",
            "/v1/rooms",
            "/v1/venues",
            f"/v1/venues/{here.venue_id}",
            f"/v1/venues/{here.venue_id}/visit-counts",
        )
    ]
    assert {each.status_code for each in answers} == {200}
    assert not any(OURS in each.text or "Styrelse" in each.text for each in answers)
    assert answers[0].json() == {
        "busy": [{"starts_at": "2023-03-07T17:00:00Z", "ends_at": "2023-03-07T19:00:00Z"}],
        "free": [
            {"starts_at": "2023-03-07T07:00:00Z", "ends_at": "2023-03-07T16:30:00Z"},
            {"starts_at": "2023-03-07T19:30:00Z", "ends_at": "2023-03-07T21:00:00Z"},
        ],
    }


@pytest.mark.parametrize("scope", ["booking:admin", "visits:write"])
async def test_a_bound_key_does_not_run_the_house(sqlite_here: Scene, scope: str) -> None:
    """Scopes whose things are everybody's are 403 to a key that is bound to an organisation."""
    here = sqlite_here
    bound = here.of(OURS, scope)
    if scope == "visits:write":
        url = f"/v1/venues/{here.venue_id}/visit-counts/2023-03-01"
        answer = await bound.put(url, json={"visits": 1})
    else:
        answer = await bound.post("/v1/venues", json={"name": "x", "time_zone": "UTC"})
    assert (answer.status_code, answer.json()["scope"]) == (403, scope)
