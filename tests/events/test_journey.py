"""The way of one event from its draft to its last word, on both databases."""

from pathlib import Path

import pytest

from shared.contracts.events import (
    AttendanceClosed,
    EventContactGiven,
    EventPublished,
    HeadsCounted,
    PeopleCounted,
    RegistrationAttended,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationNoShow,
    RegistrationPending,
    RegistrationWaitlisted,
)
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.events.scene import BEGINS, person, scene

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_event_is_lived_from_draft_to_last_word(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """Published, registered for by key and by link, promoted, attended, closed: all is told."""
    async with scene(make_url, tmp_path, dialect) as s:
        event_id = await s.published(capacity=2)
        first = await s.register(event_id, 1)
        second = await s.register(event_id, 2)
        assert (first["status"], second["status"]) == ("confirmed", "confirmed")
        assert first["manage_url"].startswith("https://test.example/sv/r/link_")

        asked = await s.public.post(f"/v1/events/{event_id}/registrations", json=person(3))
        assert asked.status_code == 201
        third = asked.json()
        assert third == {
            "id": third["id"],
            "status": "pending",
            "confirm_by": "2023-03-02T09:00:00Z",
        }
        await s.it.quiet()
        async with s.link(third["id"]) as holder:
            done = await s.ok(holder, f"/v1/registrations/{third['id']}/confirmation")
            assert done == {"id": third["id"], "status": "waitlisted", "position": 1}
            await s.act(first["id"], "cancellation")
            shown = (await holder.get(f"/v1/registrations/{third['id']}")).json()
            assert (shown["status"], shown["position"]) == ("confirmed", None)
        assert await s.places(event_id) == {"capacity": 2, "taken": 2, "free": 0, "waiting": 0}

        await s.at(BEGINS)
        await s.act(third["id"], "attendance", {"attended": True})
        await s.ok(s.admin, f"/v1/events/{event_id}/head-counts", {"people": 5})
        await s.ok(s.admin, f"/v1/events/{event_id}/walk-ins", {"people": 2, "sector": "business"})
        closed = await s.ok(s.admin, f"/v1/events/{event_id}/attendance-closing")
        assert closed == {"event_id": event_id, "attended": 8}

        kinds = [type(message) for message in await s.it.published()]
        assert kinds == [
            EventPublished,
            *(EventContactGiven, RegistrationConfirmed) * 2,
            *(EventContactGiven, RegistrationPending),
            *(EventContactGiven, RegistrationWaitlisted),
            *(EventContactGiven, RegistrationCancelled),
            *(EventContactGiven, RegistrationConfirmed),
            RegistrationAttended,
            *(HeadsCounted, HeadsCounted),
            *(RegistrationNoShow, PeopleCounted, AttendanceClosed),
        ]
        (people,) = await s.it.published(PeopleCounted)
        assert (people.year, people.persons, people.by_sector) == (2023, 1, {"association": 1})
