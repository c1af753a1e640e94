"""Lists and searches: free rooms best first, bookings by filter, visits by day."""

from datetime import date, datetime
from urllib.parse import quote

import pytest

from shared.contracts.booking import (
    RoomChanged,
    RoomOpened,
    RoomRetired,
    VisitsCorrected,
    VisitsCounted,
)
from tests.booking.scene import OURS, START, THEIRS, Scene, at

pytestmark = pytest.mark.anyio


async def names(here: Scene, path: str) -> list[str]:
    """Return the names on one page."""
    answer = await here.client.get(path)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


async def test_the_best_free_room_comes_first(here: Scene) -> None:
    """The smallest that holds the people and has the equipment, free and open all the time."""
    await here.room(name="small", capacity=10)
    taken = await here.room(name="taken", capacity=20)
    await here.room(name="plain", capacity=30)
    await here.room(name="rich", capacity=30, equipment=["Projektor", "hörslinga"])
    await here.room(name="hall", capacity=200, equipment=["projektor"])
    await here.room(name="morning", capacity=25, closes_at="12:00")
    await here.booked(taken, at(7, 18), at(7, 19))
    window = "/v1/free-rooms?from=2023-03-07T17:00:00Z&to=2023-03-07T19:00:00Z"
    assert await names(here, f"{window}&people=15") == ["plain", "rich", "hall"]
    assert await names(here, f"{window}&people=31") == ["hall"]
    assert await names(here, f"{window}&equipment=projektor") == ["rich", "hall"]
    assert await names(here, f"{window}&equipment=projektor,{quote('hörslinga')}") == ["rich"]
    assert await names(here, f"{window}&equipment=projektor&equipment=kaffe") == []
    early = "/v1/free-rooms?from=2023-03-07T08:00:00Z&to=2023-03-07T10:00:00Z&people=15&limit=2"
    assert await names(here, early) == ["taken", "morning"]
    following = (await here.client.get(early)).json()["next"]
    assert await names(here, f"{early}&cursor={following}") == ["plain", "rich"]
    assert (await here.client.get(f"{early}&cursor=x")).status_code == 422


async def test_a_free_room_can_be_booked(here: Scene) -> None:
    """What the search and the availability call free is free, buffers on both sides included."""
    room = await here.room(buffer_minutes=30)
    await here.booked(room, at(7, 10), at(7, 12))
    path = f"/v1/rooms/{room}/availability?from=2023-03-07T09:00:00Z&to=2023-03-07T14:00:00Z"
    free = (await here.client.get(path)).json()["free"]
    assert free == [
        {"starts_at": "2023-03-07T09:00:00Z", "ends_at": "2023-03-07T09:30:00Z"},
        {"starts_at": "2023-03-07T12:30:00Z", "ends_at": "2023-03-07T14:00:00Z"},
    ]
    refused = await here.book(room, at(7, 12, 29), at(7, 13))
    assert refused.status_code == 409
    for each in free:
        begin, end = (datetime.fromisoformat(each[name]) for name in ("starts_at", "ends_at"))
        assert (await here.book(room, begin, end)).status_code == 201


async def test_the_availability_of_all_rooms_is_that_of_each(here: Scene) -> None:
    """One call tells of every room what a call for each tells, page by page, by their names."""
    wide = await here.room(name="Wide", buffer_minutes=60)
    plain = await here.room(name="Plain")
    gone = await here.room(name="Gone")
    await here.booked(wide, at(7, 10), at(7, 12))
    await here.booked(plain, at(7, 13), at(7, 14))
    await here.client.post(f"/v1/rooms/{gone}/retirement")
    window = "from=2023-03-07T11:00:00Z&to=2023-03-07T13:30:00Z"
    each = [
        (await here.client.get(f"/v1/rooms/{room}/availability?{window}")).json()
        | {"room_id": room}
        for room in (plain, wide)
    ]
    first = (await here.client.get(f"/v1/availability?{window}&limit=1")).json()
    second = (
        await here.client.get(f"/v1/availability?{window}&limit=1&cursor={first['next']}")
    ).json()
    assert first["items"] + second["items"] == each
    assert second["next"] is None
    assert all(room["busy"] for room in each)
    assert (await here.client.get("/v1/availability?from=2023-03-07T11:00:00Z")).status_code == 422


async def test_a_request_shuts_nobody_out_from_asking(here: Scene) -> None:
    """A room that needs approval stays free to ask for until somebody has it."""
    room = await here.room(needs_approval=True)
    asked = await here.booked(room, at(7, 17))
    window = "/v1/free-rooms?from=2023-03-07T17:00:00Z&to=2023-03-07T19:00:00Z"
    assert await names(here, window) == ["Salen"]
    await here.act(asked, "approval")
    assert await names(here, window) == []


async def test_bookings_are_listed_by_their_begin(here: Scene) -> None:
    """Each filter narrows; a window finds what touches it and not what ends where it begins."""
    one, two = await here.room(), await here.room(name="Köket")
    night = await here.booked(one, at(7, 22), at(8, 2))
    early = await here.booked(one, at(7, 9), organisation_id=THEIRS)
    other = await here.booked(two, at(8, 9))
    await here.act(other, "cancellation")

    async def found(query: str) -> list[str]:
        answer = await here.client.get(f"/v1/bookings?{query}")
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    assert await found("") == [early["id"], night["id"], other["id"]]
    assert await found(f"room_id={one}") == [early["id"], night["id"]]
    assert await found(f"organisation_id={OURS}") == [night["id"], other["id"]]
    assert await found("status=cancelled") == [other["id"]]
    assert await found("from=2023-03-08T00:00:00Z") == [night["id"], other["id"]]
    assert await found("from=2023-03-08T02:00:00Z") == [other["id"]]
    assert await found("to=2023-03-07T22:00:00Z") == [early["id"]]
    assert await found("changed_since=2023-03-01T08:00:01Z") == []
    page = (await here.client.get("/v1/bookings?limit=2")).json()
    assert await found(f"limit=2&cursor={page['next']}") == [other["id"]]
    assert (await here.client.get("/v1/bookings?colour=red")).status_code == 422
    assert (await here.client.get("/v1/bookings?status=nice")).status_code == 422


async def test_a_room_is_opened_with_all_that_others_need(here: Scene) -> None:
    """The message dates it on the venue's wall clock; the room is found at its address."""
    body = {
        "venue_id": here.venue_id,
        "name": "Ateljén",
        "capacity": 12,
        "equipment": ["ugn"],
        "opens_at": "08:00",
        "closes_at": "24:00",
        "buffer_minutes": 15,
        "needs_approval": True,
    }
    answer = await here.client.post("/v1/rooms", json=body)
    room = answer.json()
    expected = {"id": room["id"], "time_zone": "Europe/Stockholm", "retired_on": None, **body}
    assert room == expected
    assert (await here.client.get(answer.headers["location"])).json() == room
    [opened] = await here.it.published(RoomOpened)
    assert (opened.on, opened.venue_name, opened.capacity) == (START.date(), "Nobel 21", 12)


async def test_a_changed_room_leaves_what_is_booked(here: Scene) -> None:
    """A booking keeps the buffer it was made with; name and capacity are told, hours are not."""
    room = await here.room(buffer_minutes=30)
    booking = await here.booked(room, at(7, 10), at(7, 12))
    path = f"/v1/rooms/{room}"
    changed = await here.client.patch(path, json={"buffer_minutes": 0, "closes_at": "20:00"})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (await here.book(room, at(7, 12, 15), at(7, 13))).status_code == 409
    assert (await here.book(room, at(7, 12, 30), at(7, 13))).status_code == 201
    assert (await here.book(room, at(7, 13), at(7, 14))).status_code == 201
    assert (await here.client.get(f"/v1/bookings/{booking['id']}")).json() == booking
    smaller = {"capacity": 10, "name": "Lilla salen"}
    assert (await here.client.patch(path, json=smaller)).json()["capacity"] == 10
    [told] = await here.it.published(RoomChanged)
    assert (told.name, told.capacity) == ("Lilla salen", 10)
    assert (await here.book(room, at(8, 10))).json()["type"] == "/problems/too-many-people"
    for bad, status in [({}, 422), ({"closes_at": "00:00"}, 422), ({"name": None}, 422)]:
        assert (bad, (await here.client.patch(path, json=bad)).status_code) == (bad, status)
    stale = await here.client.patch(path, json=smaller, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await here.client.patch("/v1/rooms/x", json=smaller)).status_code == 404


async def test_a_room_is_retired_once_nobody_has_it_booked(here: Scene) -> None:
    """Then it is told of, listed no more, and can be neither booked nor moved to."""
    room, other = await here.room(), await here.room(name="Köket")
    booking = await here.booked(room, at(7, 10))
    assert (await here.client.post(f"/v1/rooms/{room}/retirement")).status_code == 409
    moved = {"room_id": other}
    await here.client.patch(f"/v1/bookings/{booking['id']}", json=moved)
    answers = [await here.client.post(f"/v1/rooms/{room}/retirement") for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 409]
    assert [each.on for each in await here.it.published(RoomRetired)] == [START.date()]
    assert (await here.book(room, at(8, 10))).json()["type"] == "/problems/unknown-room"
    back = await here.client.patch(f"/v1/bookings/{booking['id']}", json={"room_id": room})
    assert back.status_code == 422
    assert await names(here, "/v1/rooms") == ["Köket"]
    window = "from=2023-03-08T10:00:00Z&to=2023-03-08T12:00:00Z"
    assert await names(here, f"/v1/free-rooms?{window}") == ["Köket"]
    assert (await here.client.get(f"/v1/rooms/{room}")).json()["retired_on"] == "2023-03-01"


async def test_visits_are_counted_and_corrected(here: Scene) -> None:
    """The last number of a day counts; the same one again says nothing; order is kept."""
    path = f"/v1/venues/{here.venue_id}/visit-counts"
    for day, visits in [(1, 79), (1, 81), (1, 81)]:
        answer = await here.client.put(f"{path}/2023-03-0{day}", json={"visits": visits})
        assert answer.status_code == 200
    assert (await here.client.put(f"{path}/2023-02-28", json={"visits": 0})).status_code == 200
    early = await here.client.put(f"{path}/2023-03-02", json={"visits": 1})
    assert (early.status_code, early.json()["type"]) == (422, "/problems/in-the-future")
    assert [each.visits for each in await here.it.published(VisitsCounted)] == [79, 0]
    assert [each.visits for each in await here.it.published(VisitsCorrected)] == [81]
    sequences = [envelope.sequence or 0 for envelope, _ in await here.it.told()]
    assert sequences == sorted(set(sequences))
    shown = await here.client.get(f"{path}?from=2023-03-01&to=2023-03-01")
    assert shown.json()["items"] == [{"venue_id": here.venue_id, "day": "2023-03-01", "visits": 81}]
    days = [each["day"] for each in (await here.client.get(path)).json()["items"]]
    assert days == ["2023-02-28", "2023-03-01"]


async def test_the_day_of_a_visit_is_the_venues(here: Scene) -> None:
    """An hour before midnight in UTC the next day has begun in Malmö."""
    await here.move_clock(at(1, 23, 30))
    path = f"/v1/venues/{here.venue_id}/visit-counts/{date(2023, 3, 2)}"
    assert (await here.client.put(path, json={"visits": 1})).status_code == 200


async def test_who_keeps_a_copy_of_the_rooms_learns_what_changed(sqlite_here: Scene) -> None:
    """`changed_since` lists the rooms changed or retired since then, and no other."""
    here = sqlite_here
    await here.room(name="as it was")
    changed, gone = await here.room(name="changed"), await here.room(name="gone")
    await here.move_clock(at(3, 12))
    await here.client.patch(f"/v1/rooms/{changed}", json={"capacity": 7})
    await here.client.post(f"/v1/rooms/{gone}/retirement")
    since = "/v1/rooms?changed_since=2023-03-03T12:00:00Z"
    assert await names(here, since) == ["changed", "gone"]
    assert await names(here, "/v1/rooms") == ["as it was", "changed"]
