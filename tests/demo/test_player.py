"""A week of the year, and two events of it, played on the real embedded house."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import httpx2
import pytest

from services.demo.mailbox import Mailbox
from services.demo.opening import ADMIN, BEGINS
from services.demo.player import Player, UnexpectedAnswer
from services.demo.step import PUBLIC, Step
from services.demo.year import Year, plan
from services.gateway.first_key import ensure_first_key
from services.settings import ProcessSettings
from services.topology import whole_house

LAST_DAY = date(2023, 1, 8)
EVENTS = {"larandelunch-pitch": 19, "larandelunch-trygghet": 24}
"""Two events, and how many come to each."""
GROUP = 14


@pytest.fixture
async def player(tmp_path: Path) -> AsyncIterator[Player]:
    """A player at the front door of a house that stands where the year begins."""
    house = whole_house(
        ProcessSettings.model_validate({"data": tmp_path, "replay_from": BEGINS, "PORT": 0})
    )
    await house.start()
    try:
        key = await ensure_first_key(house.front.store, tmp_path)
        assert key is not None
        transport = httpx2.ASGITransport(app=house.front.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield Player(client, key, name="week", mailbox=Mailbox(tmp_path / "mail"))
    finally:
        await house.stop()


def short(year: Year) -> list[Step]:
    """Return the opening, the first week's bookings and visits, and all of two events."""
    week = {each.name for each in year.gatherings if each.cell.day <= LAST_DAY}
    kept = []
    for step in year.steps:
        names = step.needs | step.takes.keys()
        is_opening = step.at < datetime(2022, 11, 16, tzinfo=UTC)
        is_visit = "/visit-counts/" in step.path and step.path[-10:] <= LAST_DAY.isoformat()
        of_event = any(event in name for event in EVENTS for name in names)
        if is_opening or is_visit or of_event or names & week:
            kept.append(step)
    return kept


def nothing(at: datetime, done: int) -> None:
    """Tell nobody how far it is."""


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_week_becomes_figures(player: Player) -> None:
    """Every answer is as planned, and the figures are those that the requests add up to."""
    steps = short(plan(2023))
    await player.play(steps, nothing)
    check_ins = [step for step in steps if step.path.endswith("/check-in")]
    assert any(step.key.startswith("mail:") for step in steps)
    figures = {
        (item["key"], item.get("event_id")): item["value"]
        async for item in player.every("/v1/years/2023/figures")
    }
    persons = {
        name.rsplit("/", 1)[1]
        for step in steps
        if step.path.endswith("/attendance") and step.body == {"attended": True}
        for name in step.needs
        if name.endswith("@example.org")
    }
    assert len(persons) < sum(EVENTS.values()) - GROUP
    assert figures["gatherings", None] == str(len(check_ins))
    for event, people in EVENTS.items():
        assert figures["attendance", player.known(f"event/{event}")] == str(people)
    assert figures["participants", None] == str(len(persons) + GROUP)
    assert figures["learning_lunches", None] == "2"
    assert figures["rooms", None] == "8"
    assert figures["resident_organisations", None] == "35"


@pytest.mark.anyio
async def test_an_answer_that_was_not_planned_ends_it(player: Player) -> None:
    """A refused request, and a field that is not as expected, are named with what was answered."""
    step = Step(BEGINS.astimezone(UTC), ADMIN, "GET", "/v1/api-info", answer={"state": "active"})
    await player.play([step], nothing)
    with pytest.raises(UnexpectedAnswer, match=r"GET /v1/api-info: 200 .*expected 200"):
        await player.play([replace(step, answer={"state": "asleep"})], nothing)
    with pytest.raises(UnexpectedAnswer, match=r"POST /v1/venues: 401"):
        await player.play([replace(step, key=PUBLIC, method="POST", path="/v1/venues")], nothing)


@pytest.mark.anyio
async def test_steps_of_one_instant_may_build_on_one_another(player: Player) -> None:
    """A step waits for what another one of its instant takes, whichever comes first."""
    steps = short(plan(2023))
    first = [step for step in steps if step.at == steps[0].at]
    await player.play(first[::-1], nothing)
    rooms = [item async for item in player.every("/v1/rooms")]
    assert len(rooms) == 8
