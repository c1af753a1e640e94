"""Many people for few places at once: never one too many, and a line in order."""

import asyncio
import random
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from services.events.models import places, registration
from shared.contracts.events import RegistrationConfirmed
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.conftest import Rounds
from tests.events.scene import Scene, person, scene

pytestmark = pytest.mark.anyio


async def rush(s: Scene, event_id: str, people: int) -> list[dict[str, object]]:
    """Register so many people at the same time."""
    path = f"/v1/events/{event_id}/registrations"
    answers = await asyncio.gather(
        *(s.admin.post(path, json=person(number)) for number in range(people))
    )
    assert {answer.status_code for answer in answers} == {201}
    return [answer.json() for answer in answers]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_200_people_for_80_places(
    dialect: str, make_url: MakeUrl, tmp_path: Path, rounds: Rounds
) -> None:
    """80 are confirmed and 120 wait at 1 to 120, in the order of their turn."""
    async with scene(make_url, tmp_path, dialect) as s:
        for _ in range(rounds(sample=1, whole=100)):
            s.come_again()
            event_id = await s.published()
            answers = await rush(s, event_id, 200)
            assert sum(a["status"] == "confirmed" for a in answers) == 80
            waiting = sorted(int(str(a["position"])) for a in answers if "position" in a)
            assert waiting == list(range(1, 121))
            assert await s.places(event_id) == {
                "capacity": 80,
                "taken": 80,
                "free": 0,
                "waiting": 120,
            }
            by_turn = select(registration).where(registration.c.event_id == event_id)
            async with s.it.service.store.read() as reader:
                rows = (await reader.execute(by_turn.order_by(registration.c.seq))).all()
            assert [row.seq for row in rows] == list(range(1, 201))
            assert [row.status for row in rows] == ["confirmed"] * 80 + ["waitlisted"] * 120
            told = {a["id"]: a["position"] for a in answers if "position" in a}
            assert [told[row.id] for row in rows[80:]] == list(range(1, 121))


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_freed_place_goes_to_exactly_one(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """While 10 cancel and 10 come at once, the first 10 in line get the places, each once."""
    async with scene(make_url, tmp_path, dialect) as s:
        event_id = await s.published(capacity=10)
        answers = await rush(s, event_id, 30)
        confirmed = [str(a["id"]) for a in answers if a["status"] == "confirmed"]
        line = sorted((a for a in answers if "position" in a), key=lambda a: str(a["id"]))
        line.sort(key=lambda a: int(str(a["position"])))
        await asyncio.gather(
            *(s.act(each, "cancellation") for each in confirmed),
            *(s.register(event_id, 100 + number) for number in range(10)),
        )
        promoted = [m for m in await s.it.published(RegistrationConfirmed) if m.promoted]
        assert [m.registration_id for m in promoted] == [a["id"] for a in line[:10]]
        assert await s.places(event_id) == {"capacity": 10, "taken": 10, "free": 0, "waiting": 20}


async def sums(s: Scene, event_id: str) -> tuple[int, int]:
    """Return how many people hold a place and how many registrations wait, by their rows."""
    mine = select(registration).where(registration.c.event_id == event_id)
    async with s.it.service.store.read() as reader:
        rows = (await reader.execute(mine)).all()
    holding = sum(row.people for row in rows if row.status == "confirmed")
    return holding, sum(row.status == "waitlisted" for row in rows)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_storm_leaves_the_books_straight(
    dialect: str, make_url: MakeUrl, tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """Come, ask, confirm, cancel, resize, call off, all at once: nobody is told of a failure."""
    rng = random.Random(seed)
    async with scene(make_url, tmp_path, dialect) as s:
        for _ in range(rounds(sample=1, whole=50)):
            s.come_again()
            event_id = await s.published(capacity=8)
            path = f"/v1/events/{event_id}"
            ids = [(await s.register(event_id, n))["id"] for n in range(15)]
            asked = [
                (await s.public.post(f"{path}/registrations", json=person(n))).json()["id"]
                for n in range(20, 25)
            ]
            await s.it.quiet()
            calls = [s.admin.post(f"/v1/registrations/{each}/cancellation") for each in ids[:9]]
            calls += [s.admin.post(f"/v1/registrations/{each}/confirmation") for each in asked]
            calls += [
                client.post(f"{path}/registrations", json=person(n))
                for n in range(18, 30)
                for client in (s.admin, s.public)
            ]
            calls += [s.admin.patch(path, json={"capacity": n}) for n in (3, 12)]
            rng.shuffle(calls)
            statuses = {answer.status_code for answer in await asyncio.gather(*calls)}
            assert statuses <= {200, 201}
            places_now = await s.places(event_id)
            assert (places_now["taken"], places_now["waiting"]) == await sums(s, event_id)
            assert places_now["free"] == 0 or places_now["waiting"] == 0

            last = [s.admin.post(f"{path}/cancellation", json={"reason": "weather"})]
            last += [s.admin.post(f"{path}/registrations", json=person(n)) for n in range(40, 50)]
            answers = await asyncio.gather(*last)
            assert {answer.status_code for answer in answers} <= {200, 201, 409}
            await s.it.quiet()
            assert await sums(s, event_id) == (0, 0)
            after = await s.places(event_id)
            assert (after["taken"], after["waiting"]) == (0, 0)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_same_person_at_once_is_one_entry(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """One person who registers eight times at once takes one place."""
    async with scene(make_url, tmp_path, dialect) as s:
        event_id = await s.published()
        answers = await asyncio.gather(*(s.register(event_id, 1) for _ in range(8)))
        assert len({answer["id"] for answer in answers}) == 1
        assert (await s.places(event_id))["taken"] == 1


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "wrong", [{"taken": 81}, {"taken": -1}, {"waiting": -1}], ids=["81 of 80", "-1", "-1 waits"]
)
async def test_the_database_itself_refuses_to_oversell(
    dialect: str, wrong: dict[str, int], make_url: MakeUrl, tmp_path: Path
) -> None:
    """A counter beyond the capacity cannot be stored, whatever the handlers do."""
    async with scene(make_url, tmp_path, dialect) as s:
        event_id = await s.published()
        too_many = update(places).where(places.c.event_id == event_id).values(wrong)
        with pytest.raises(IntegrityError):
            async with s.it.service.store.work() as work:
                await work.execute(too_many)
