"""Rooms that need approval: requests beside one another, decided by people or by time."""

import asyncio

import pytest
from sqlalchemy import update
from sqlmodel import col

from services.booking.models import Room
from shared.contracts.booking import BookingConfirmed, BookingRejected, BookingRequested
from shared.testing.running import key_with
from tests.booking.scene import OURS, THEIRS, Scene, at

pytestmark = pytest.mark.anyio


async def test_confirming_one_request_refuses_the_others(here: Scene) -> None:
    """Both wait side by side; the winner's time is told to the losers, without names."""
    room = await here.room(needs_approval=True)
    winner = await here.booked(room, at(7, 17), at(7, 19))
    loser = await here.booked(room, at(7, 18), at(7, 20), organisation_id=THEIRS)
    beside = await here.booked(room, at(7, 20))
    assert winner["status"] == loser["status"] == "requested"
    approved = await here.act(winner, "approval")
    assert (approved.status_code, approved.json()["status"]) == (200, "confirmed")
    assert [await here.status(each) for each in (loser, beside)] == ["rejected", "requested"]
    [rejected] = await here.it.published(BookingRejected)
    assert (rejected.booking_id, rejected.reason) == (loser["id"], "room-taken")
    [conflict] = rejected.conflicts
    assert (conflict.starts_at, conflict.ends_at) == (at(7, 17), at(7, 19))
    assert len(await here.it.published(BookingRequested)) == 3
    assert (await here.act(winner, "approval")).status_code == 409
    assert (await here.act(loser, "approval")).status_code == 409
    assert (await here.book(room, at(7, 18))).status_code == 409


async def test_two_approvals_at_once_confirm_one(here: Scene) -> None:
    """Of overlapping requests that are approved at the same moment one is confirmed."""
    room = await here.room(needs_approval=True)
    made = [await here.booked(room, at(7, 17)) for _ in range(6)]
    answers = await asyncio.gather(*(here.act(each, "approval") for each in made))
    assert sorted(each.status_code for each in answers) == [200, 409, 409, 409, 409, 409]
    assert len(await here.it.published(BookingConfirmed)) == 1
    assert len(await here.it.published(BookingRejected)) == 5


async def test_a_request_is_rejected_for_a_reason_that_does_not_travel(here: Scene) -> None:
    """People who may see the booking read the reason; the topic says a code."""
    room = await here.room(needs_approval=True)
    booking = await here.booked(room, at(7, 17))
    said = "Golvet slipas den veckan."
    rejected = await here.act(booking, "rejection", reason=said)
    assert (rejected.json()["status"], rejected.json()["reason"]) == ("rejected", said)
    [message] = await here.it.published(BookingRejected)
    assert message.reason == "not-approved"
    assert "slipas" not in message.encode().decode()


async def test_a_request_that_nobody_decided_lapses_at_its_begin(here: Scene) -> None:
    """Time refuses what people left undecided; a confirmed one stays."""
    room = await here.room(needs_approval=True)
    left, kept = await here.booked(room, at(7, 10)), await here.booked(room, at(7, 13))
    await here.act(kept, "approval")
    await here.move_clock(at(7, 10))
    assert await here.status(left) == "rejected"
    await here.move_clock(at(7, 14))
    assert await here.status(kept) == "confirmed"


async def test_what_is_confirmed_at_once_respects_a_request(here: Scene) -> None:
    """A room that needs approval no longer is not taken from who asked before."""
    room = await here.room(needs_approval=True)
    asked = await here.booked(room, at(7, 17))
    async with here.it.service.store.work() as work:
        freed = update(Room).where(col(Room.id) == room).values(needs_approval=False)
        await work.execute(freed)
    assert (await here.book(room, at(7, 18))).status_code == 409
    assert (await here.act(asked, "approval")).status_code == 200


async def test_moving_is_no_way_round_approval(here: Scene) -> None:
    """A confirmed booking gets into such a room only by who may approve."""
    plain, special = await here.room(), await here.room(name="Ateljén", needs_approval=True)
    booking = await here.booked(plain, at(7, 17))
    path, move = f"/v1/bookings/{booking['id']}", {"room_id": special}
    ours = here.of(OURS)
    refused = await ours.patch(path, json=move)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/wrong-state")
    clerk = here.as_(key_with("booking:write"))
    assert (await clerk.patch(path, json=move)).status_code == 409
    assert (await here.client.patch(path, json=move)).status_code == 200


async def test_a_request_can_be_withdrawn_and_moved(here: Scene) -> None:
    """It keeps waiting where it moves to, and is gone when withdrawn."""
    room = await here.room(needs_approval=True)
    booking = await here.booked(room, at(7, 17))
    ours = here.of(OURS)
    moved = await ours.patch(
        f"/v1/bookings/{booking['id']}", json={"ends_at": at(7, 20).isoformat()}
    )
    assert moved.json()["status"] == "requested"
    gone = await ours.post(f"/v1/bookings/{booking['id']}/cancellation")
    assert (gone.json()["status"], gone.json()["reason"]) == ("cancelled", "withdrawn")
    assert (await here.act(booking, "approval")).status_code == 409
