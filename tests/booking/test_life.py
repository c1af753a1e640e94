"""A booking's life through the API, from the wish to the head count."""

import pytest

from shared.contracts.booking import (
    BookingCancelled,
    BookingCheckedIn,
    BookingConfirmed,
    BookingMoved,
    BookingNoShow,
)
from tests.booking.scene import OURS, Scene, at

pytestmark = pytest.mark.anyio


async def test_a_booking_is_confirmed_at_once(here: Scene) -> None:
    """A free room is theirs in the answer, at its address, and in a message of its revision."""
    room = await here.room()
    answer = await here.book(room, at(7, 17), at(7, 19))
    booking = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/bookings/{booking['id']}"
    assert answer.headers["etag"] == '"1"'
    assert booking == {
        "id": booking["id"],
        "status": "confirmed",
        "room_id": room,
        "venue_id": here.venue_id,
        "organisation_id": OURS,
        "purpose": "Styrelsemöte",
        "starts_at": "2023-03-07T17:00:00Z",
        "ends_at": "2023-03-07T19:00:00Z",
        "time_zone": "Europe/Stockholm",
        "local_date": "2023-03-07",
        "expected_people": 20,
        "people": None,
        "buffer_minutes": 0,
        "reason": None,
        "for": None,
        "changed_at": "2023-03-01T08:00:00Z",
    }
    shown = await here.client.get(answer.headers["location"])
    assert (shown.json(), shown.headers["etag"]) == (booking, '"1"')
    [message] = await here.it.published(BookingConfirmed)
    assert (message.booking_id, message.local_date.isoformat()) == (booking["id"], "2023-03-07")
    assert (await here.it.told())[-1][0].sequence == 1


async def test_a_taken_room_is_refused_with_the_times_in_the_way(here: Scene) -> None:
    """The refusal names times and no names; touching is not overlapping."""
    room = await here.room()
    await here.booked(room, at(7, 17), at(7, 19))
    refused = await here.book(room, at(7, 18), at(7, 20))
    problem = refused.json()
    assert refused.status_code == 409
    assert problem["type"] == "/problems/room-taken"
    assert problem["conflicts"] == [
        {"starts_at": "2023-03-07T17:00:00Z", "ends_at": "2023-03-07T19:00:00Z"}
    ]
    assert "Styrelse" not in refused.text
    assert OURS not in refused.text
    assert (await here.book(room, at(7, 19))).status_code == 201
    assert (await here.book(room, at(7, 15))).status_code == 201


async def test_a_booking_moves_and_frees_what_it_left(here: Scene) -> None:
    """What it leaves can be booked; what it takes cannot; the message tells both."""
    room, other = await here.room(), await here.room(name="Köket")
    booking = await here.booked(room, at(7, 17), at(7, 19))
    moved = await here.client.patch(
        f"/v1/bookings/{booking['id']}",
        json={"room_id": other, "starts_at": "2023-03-07T18:00:00Z"},
        headers={"If-Match": '"1"'},
    )
    assert (moved.status_code, moved.headers["etag"]) == (200, '"2"')
    assert moved.json()["room_id"] == other
    assert (await here.book(room, at(7, 17))).status_code == 201
    assert (await here.book(other, at(7, 18))).status_code == 409
    [told] = await here.it.published(BookingMoved)
    assert (told.previous_room_id, told.previous_starts_at) == (room, at(7, 17))
    stale = await here.client.patch(
        f"/v1/bookings/{booking['id']}", json={"room_id": room}, headers={"If-Match": '"1"'}
    )
    assert stale.status_code == 412


async def test_a_refused_move_leaves_everything_as_it_was(here: Scene) -> None:
    """The old time is still held when the new one cannot be had."""
    room = await here.room()
    booking = await here.booked(room, at(7, 17), at(7, 19))
    await here.booked(room, at(8, 17), at(8, 19))
    refused = await here.client.patch(
        f"/v1/bookings/{booking['id']}",
        json={"starts_at": "2023-03-08T18:00:00Z", "ends_at": "2023-03-08T20:00:00Z"},
    )
    assert refused.status_code == 409
    assert (await here.book(room, at(7, 18))).status_code == 409
    assert await here.it.published(BookingMoved) == []


async def test_a_booking_can_move_onto_its_own_time(here: Scene) -> None:
    """Half an hour later in the same room is not in its own way."""
    room = await here.room(buffer_minutes=30)
    booking = await here.booked(room, at(7, 17), at(7, 19))
    moved = await here.client.patch(
        f"/v1/bookings/{booking['id']}",
        json={"starts_at": "2023-03-07T17:30:00Z", "ends_at": "2023-03-07T19:30:00Z"},
    )
    assert moved.status_code == 200


async def test_a_cancelled_booking_frees_its_time_once(here: Scene) -> None:
    """Its time can be booked again; a second cancellation is a wrong state."""
    room = await here.room()
    booking = await here.booked(room, at(7, 17))
    assert (await here.act(booking, "cancellation")).json()["status"] == "cancelled"
    assert (await here.book(room, at(7, 17))).status_code == 201
    again = await here.act(booking, "cancellation")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/wrong-state")
    assert again.json()["state"] == "cancelled"
    assert len(await here.it.published(BookingCancelled)) == 1


async def test_check_in_counts_heads_and_is_corrected(here: Scene) -> None:
    """The last number counts; the same one again says nothing; a no-show never follows."""
    room = await here.room()
    booking = await here.booked(room, at(7, 17), at(7, 19))
    assert (await here.act(booking, "check-in", people=23)).status_code == 409
    await here.move_clock(at(7, 15))
    for people in (23, 25, 25):
        answer = await here.act(booking, "check-in", people=people)
        assert (answer.status_code, answer.json()["status"]) == (200, "checked-in")
    assert [each.people for each in await here.it.published(BookingCheckedIn)] == [23, 25]
    await here.move_clock(at(7, 23))
    assert await here.it.published(BookingNoShow) == []


async def test_nobody_came(here: Scene) -> None:
    """At its end a booking that nobody checked in is a no-show; a late list still corrects it."""
    room = await here.room()
    booking = await here.booked(room, at(7, 17), at(7, 19))
    await here.move_clock(at(7, 18, 59))
    assert await here.status(booking) == "confirmed"
    await here.move_clock(at(7, 19))
    assert await here.status(booking) == "no-show"
    assert len(await here.it.published(BookingNoShow)) == 1
    assert (await here.act(booking, "cancellation")).status_code == 409
    await here.move_clock(at(8, 10))
    assert (await here.act(booking, "check-in", people=9)).json()["status"] == "checked-in"


async def test_a_cancelled_or_moved_booking_is_no_no_show_at_its_old_end(here: Scene) -> None:
    """What was put off for the old time is gone or goes along."""
    room = await here.room()
    cancelled = await here.booked(room, at(7, 10))
    moved = await here.booked(room, at(7, 13))
    await here.act(cancelled, "cancellation")
    await here.client.patch(f"/v1/bookings/{moved['id']}", json={"ends_at": "2023-03-07T18:00:00Z"})
    await here.move_clock(at(7, 15, 30))
    assert [await here.status(each) for each in (cancelled, moved)] == ["cancelled", "confirmed"]
    await here.move_clock(at(7, 18))
    assert await here.status(moved) == "no-show"


async def test_a_repeated_request_books_once(here: Scene) -> None:
    """The same Idempotency-Key gets the same answer and has one effect."""
    room = await here.room()
    body = here.wish(room, at(7, 17), at(7, 19))
    answers = [
        await here.client.post("/v1/bookings", json=body, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(await here.it.published(BookingConfirmed)) == 1
