"""Bookings over midnight, over days and over changes of the clock, on the room's wall."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.contracts.booking import BookingConfirmed
from tests.booking.scene import Scene

pytestmark = pytest.mark.anyio

MALMO = ZoneInfo("Europe/Stockholm")


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MALMO)


@pytest.mark.parametrize(
    ("begin", "end", "hours", "day"),
    [
        ("2023-03-07 22:00", "2023-03-08 02:00", 4, "2023-03-07"),
        ("2023-03-08 00:30", "2023-03-08 02:00", 1.5, "2023-03-08"),
        ("2023-03-07 12:00", "2023-03-10 12:00", 72, "2023-03-07"),
        ("2023-03-25 22:00", "2023-03-26 06:00", 7, "2023-03-25"),
        ("2023-10-28 22:00", "2023-10-29 06:00", 9, "2023-10-28"),
    ],
)
async def test_a_house_that_never_closes_is_booked_through_the_night(
    sqlite_here: Scene, begin: str, end: str, hours: float, day: str
) -> None:
    """It is as long as it is, counts on the day it begins, and blocks every hour of it."""
    here = sqlite_here
    room = await here.room()
    await here.booked(room, wall(begin), wall(end))
    [confirmed] = await here.it.published(BookingConfirmed)
    assert confirmed.ends_at - confirmed.starts_at == timedelta(hours=hours)
    assert confirmed.local_date.isoformat() == day
    half = timedelta(minutes=30)
    moment = confirmed.starts_at
    while moment < confirmed.ends_at:
        assert (await here.book(room, moment, moment + half)).status_code == 409
        moment += half
    assert (await here.book(room, moment, moment + half)).status_code == 201
    before = confirmed.starts_at - half
    assert (await here.book(room, before, confirmed.starts_at)).status_code == 201


@pytest.mark.parametrize("day", ["2023-03-25", "2023-03-26", "2023-10-28", "2023-10-29"])
async def test_opening_hours_are_right_when_the_clock_changes(sqlite_here: Scene, day: str) -> None:
    """From 8 to 22 on the wall: a minute outside is closed, the whole day can be had."""
    here = sqlite_here
    room = await here.room(opens_at="08:00", closes_at="22:00")
    opens, closes = wall(f"{day} 08:00"), wall(f"{day} 22:00")
    for begin, end in [
        (wall(f"{day} 07:59"), wall(f"{day} 09:00")),
        (wall(f"{day} 21:00"), wall(f"{day} 22:01")),
    ]:
        refused = await here.book(room, begin, end)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/closed")
    assert (await here.book(room, opens, closes)).status_code == 201


async def test_a_room_that_closes_at_midnight(sqlite_here: Scene) -> None:
    """24:00 can be reached and not passed where the room opens later the next day."""
    here = sqlite_here
    room = await here.room(opens_at="08:00", closes_at="24:00")
    midnight = wall("2023-03-08 00:00")
    late = midnight - timedelta(hours=2)
    passed = await here.book(room, late, midnight + timedelta(minutes=1))
    assert (passed.status_code, passed.json()["type"]) == (422, "/problems/closed")
    assert (await here.book(room, late, midnight)).status_code == 201
