"""An event and its room are one promise, kept over topics."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.booking import (
    BookedFor,
    BookingCancelled,
    BookingConfirmed,
    BookingRejected,
)
from shared.contracts.events import (
    EventCancelled,
    EventPublished,
    EventRescheduled,
    RoomReleased,
    RoomRequested,
)
from shared.testing.fixtures import MakeUrl
from tests.events.scene import Scene, event_body, scene

pytestmark = pytest.mark.anyio


async def awaiting(s: Scene) -> str:
    """Return an event that waits for its room."""
    made = await s.ok(s.admin, "/v1/events", event_body(room_id="room-1"))
    answer = await s.ok(s.admin, f"/v1/events/{made['id']}/publication")
    assert answer["status"] == "awaiting-room"
    return str(made["id"])


async def confirm(s: Scene, event_id: str, booking_id: str = "b-1", **changes: Any) -> None:
    """Let booking confirm what was asked for last, or something else."""
    asked = (await s.it.published(RoomRequested))[-1]
    values: dict[str, Any] = {
        "booking_id": booking_id,
        "room_id": asked.room_id,
        "starts_at": asked.starts_at,
        "ends_at": asked.ends_at,
        "expected_people": asked.people,
        "for": BookedFor(kind="event", id=event_id),
        "venue_id": "venue-1",
        "time_zone": "Europe/Stockholm",
        "local_date": date(2023, 4, 19),
    }
    await s.it.hear(BookingConfirmed.model_validate({**values, **changes}))
    await s.it.quiet()


async def reject(s: Scene, event_id: str) -> None:
    """Let booking refuse what was asked for last."""
    asked = (await s.it.published(RoomRequested))[-1]
    await s.it.hear(
        BookingRejected.model_validate(
            {
                "booking_id": "b-0",
                "room_id": asked.room_id,
                "starts_at": asked.starts_at,
                "ends_at": asked.ends_at,
                "expected_people": asked.people,
                "for": BookedFor(kind="event", id=event_id),
                "reason": "room-taken",
            }
        )
    )
    await s.it.quiet()


async def shown(s: Scene, event_id: str) -> dict[str, Any]:
    """Return the event as staff sees it."""
    return dict((await s.admin.get(f"/v1/events/{event_id}")).json())


async def test_an_event_with_a_room_is_public_once_the_room_is_theirs(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """Asked for at publication, published on the confirmation, nobody registers before."""
    async with scene(make_url, tmp_path) as s:
        event_id = await awaiting(s)
        (asked,) = await s.it.published(RoomRequested)
        assert (asked.room_id, asked.people) == ("room-1", 80)
        assert (await s.public.get(f"/v1/events/{event_id}")).status_code == 404
        assert await s.it.published(EventPublished) == []
        await confirm(s, event_id)
        assert (await shown(s, event_id))["status"] == "published"
        (told,) = await s.it.published(EventPublished)
        assert told.room_id == "room-1"
        await confirm(s, event_id)
        assert await s.it.published(RoomReleased) == [], "the same confirmation, heard twice"


async def test_a_refused_room_makes_it_a_draft_again(make_url: MakeUrl, tmp_path: Path) -> None:
    """With booking's reason for staff; a second try asks again."""
    async with scene(make_url, tmp_path) as s:
        event_id = await awaiting(s)
        await reject(s, event_id)
        after = await shown(s, event_id)
        assert (after["status"], after["room_refusal"]) == ("draft", "room-taken")
        await s.ok(s.admin, f"/v1/events/{event_id}/publication")
        await confirm(s, event_id)
        after = await shown(s, event_id)
        assert (after["status"], after["room_refusal"]) == ("published", None)


async def test_the_old_room_is_kept_until_the_new_one_is_confirmed(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """A refusal leaves time and room as they are; a confirmation moves, then releases the old."""
    async with scene(make_url, tmp_path) as s:
        event_id = await awaiting(s)
        await confirm(s, event_id, "b-1")
        move = {"starts_at": "2023-04-20T11:00:00Z", "ends_at": "2023-04-20T13:00:00Z"}
        path = f"/v1/events/{event_id}"
        answer = (await s.admin.patch(path, json=move)).json()
        assert answer["starts_at"] == "2023-04-19T11:00:00Z"
        assert answer["room_asked_for"]["starts_at"] == "2023-04-20T11:00:00+00:00"
        assert (await s.admin.patch(path, json=move)).status_code == 409
        await reject(s, event_id)
        after = await shown(s, event_id)
        assert (after["starts_at"], after["room_refusal"]) == (
            "2023-04-19T11:00:00Z",
            "room-taken",
        )
        assert (await s.admin.patch(path, json=move)).status_code == 200
        await confirm(s, event_id, "b-2")
        assert (await shown(s, event_id))["starts_at"] == "2023-04-20T11:00:00Z"
        (moved,) = await s.it.published(EventRescheduled)
        assert moved.previous_starts_at == datetime(2023, 4, 19, 11, tzinfo=UTC)
        assert [m.booking_id for m in await s.it.published(RoomReleased)] == ["b-1"]


async def test_no_room_is_held_for_a_dead_event(make_url: MakeUrl, tmp_path: Path) -> None:
    """Cancelled while it waits, its late confirmation is released; so is one nobody asked for."""
    async with scene(make_url, tmp_path) as s:
        event_id = await awaiting(s)
        await s.ok(s.admin, f"/v1/events/{event_id}/cancellation", {"reason": "weather"})
        assert len(await s.it.published(EventCancelled)) == 1
        await confirm(s, event_id, "b-late")
        assert (await shown(s, event_id))["status"] == "cancelled"
        other = await awaiting(s)
        await confirm(s, other, "b-wrong", room_id="room-9")
        assert (await shown(s, other))["status"] == "awaiting-room"
        released = [m.booking_id for m in await s.it.published(RoomReleased)]
        assert released == ["b-late", "b-wrong"]


async def test_bookings_for_nobody_here_are_left_alone(make_url: MakeUrl, tmp_path: Path) -> None:
    """A booking that serves no event changes nothing."""
    async with scene(make_url, tmp_path) as s:
        event_id = await awaiting(s)
        await confirm(s, event_id, "b-other", **{"for": None})
        assert (await shown(s, event_id))["status"] == "awaiting-room"
        assert await s.it.published(RoomReleased) == []


async def test_a_room_that_is_taken_away_is_seen_by_staff(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """A booking that somebody else cancels is noted, and the next move asks for a room anew."""
    async with scene(make_url, tmp_path) as s:
        event_id = await awaiting(s)
        await confirm(s, event_id, "b-1")
        asked = (await s.it.published(RoomRequested))[-1]
        await s.it.hear(
            BookingCancelled.model_validate(
                {
                    "booking_id": "b-1",
                    "room_id": asked.room_id,
                    "starts_at": asked.starts_at,
                    "ends_at": asked.ends_at,
                    "expected_people": 80,
                    "for": BookedFor(kind="event", id=event_id),
                    "venue_id": "venue-1",
                    "time_zone": "Europe/Stockholm",
                    "local_date": date(2023, 4, 19),
                    "reason": "by-staff",
                }
            )
        )
        await s.it.quiet()
        assert (await shown(s, event_id))["room_refusal"] == "room-lost"
        await s.admin.patch(f"/v1/events/{event_id}", json={"room_id": "room-2"})
        await confirm(s, event_id, "b-2")
        after = await shown(s, event_id)
        assert (after["room_id"], after["room_refusal"]) == ("room-2", None)
        assert await s.it.published(RoomReleased) == []
