"""Personal data is kept while somebody may have to be told something, and a week more."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.booking import BookingRequested
from shared.contracts.events import (
    EventRescheduled,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationWaitlisted,
)
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.notifications.scene import NOON, Scene, booking, event, fact, room, scene

pytestmark = pytest.mark.anyio

ON_SQLITE = pytest.mark.parametrize("it", ["sqlite"], indirect=True)
END = datetime(2023, 5, 11, 10, tzinfo=UTC)


@pytest.fixture(params=DIALECTS)
async def it(
    request: pytest.FixtureRequest, make_url: MakeUrl, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Run notifications on either database."""
    async with scene(make_url, tmp_path, dialect=request.param) as running:
        yield running


async def live_until(it: Scene, at: datetime) -> None:
    """Let domain time pass, and what is due be done."""
    it.clock.move(at)
    await it.it.quiet()


async def kept(it: Scene) -> list[str]:
    """Return whose address is kept."""
    return [each.id for each in await it.contacts() if each.email]


async def test_a_contact_lives_a_week_longer_than_its_event(it: Scene) -> None:
    """Whoever waits in line for weeks can still be told; afterwards nothing is left."""
    await it.hear(event(), it.contact("r1"), fact(RegistrationWaitlisted, position=1))
    await live_until(it, END + timedelta(days=6))
    assert await kept(it) == ["r1"]
    await live_until(it, END + timedelta(days=8))
    assert await it.contacts() == []


@ON_SQLITE
async def test_a_cancelled_one_a_week(it: Scene) -> None:
    """Who cancelled is forgotten a week later, though the event is still to come."""
    await it.hear(event(), it.contact("r1"), fact(RegistrationConfirmed))
    await it.hear(fact(RegistrationCancelled, was="confirmed"))
    await live_until(it, NOON + timedelta(days=6))
    assert await kept(it) == ["r1"]
    await live_until(it, NOON + timedelta(days=9))
    assert await it.contacts() == []


async def test_who_never_confirmed_is_forgotten_at_once(it: Scene) -> None:
    """The address is gone, and does not come back with the same message."""
    await it.hear(event(), it.contact("r1"))
    assert await kept(it) == ["r1"]
    await it.hear(fact(RegistrationCancelled, was="pending", reason="not-confirmed"))
    assert await kept(it) == []
    await it.forget_inbox()
    await it.repeat()
    assert await kept(it) == []


async def test_an_event_that_moves_away_keeps_its_contacts(it: Scene) -> None:
    """Later by a month is kept a month longer."""
    later = timedelta(days=30)
    moved = event(
        EventRescheduled,
        starts_at=END - timedelta(hours=3) + later,
        ends_at=END + later,
        previous_starts_at=END - timedelta(hours=3),
        previous_ends_at=END,
    )
    await it.hear(it.contact("r1"))
    await it.hear(event())
    await it.hear(moved, sequence=2)
    await live_until(it, END + timedelta(days=9))
    assert await kept(it) == ["r1"]
    await live_until(it, END + later + timedelta(days=9))
    assert await it.contacts() == []


@ON_SQLITE
async def test_a_booking_that_waits_for_approval_keeps_its_contact(it: Scene) -> None:
    """A request for a day in autumn can be answered months later."""
    autumn: dict[str, Any] = {
        "starts_at": NOON + timedelta(days=150),
        "ends_at": NOON + timedelta(days=151),
    }
    await it.hear(room(), it.booking_contact("b1"), booking(BookingRequested, **autumn))
    await live_until(it, NOON + timedelta(days=100))
    assert await kept(it) == ["b1"]
    await live_until(it, NOON + timedelta(days=160))
    assert await it.contacts() == []


@ON_SQLITE
async def test_deliveries_are_kept_for_a_season(it: Scene) -> None:
    """After 90 days nobody can ask any longer what became of a letter."""
    await it.hear(event(), it.contact("r1"), fact(RegistrationConfirmed))
    await live_until(it, NOON + timedelta(days=89))
    assert len(await it.deliveries()) == 1
    await live_until(it, NOON + timedelta(days=92))
    assert await it.deliveries() == []
