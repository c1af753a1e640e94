"""The gauge of notifications: ballots that came and are not handed out."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.notifications.gauges import show_waiting_ballots
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.notifications.scene import NOON, Scene, attendance_closed, event, scene, survey_closed

pytestmark = pytest.mark.anyio

TOKENS = [f"secret-{each}-0123456789abcdefghij" for each in range(3)]


@pytest.fixture(params=DIALECTS)
async def it(
    request: pytest.FixtureRequest, make_url: MakeUrl, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Run notifications on either database, the day after the event."""
    after = NOON + timedelta(days=41)
    async with scene(make_url, tmp_path, dialect=request.param, at=after) as running:
        yield running


async def waits(it: Scene) -> float | None:
    """Look the gauge up and return it."""
    service = it.it.service
    async with service.store.read() as reader:
        await show_waiting_ballots(reader, service.metrics, it.clock.now())
    return service.metrics.registry.get_sample_value("andan_ballots_waiting_seconds")


async def test_ballots_wait_until_they_are_handed_out(it: Scene) -> None:
    """Without the last word on who came they wait, and the gauge grows; then it is 0."""
    assert await waits(it) == 0
    await it.hear(event(), it.ballots(*TOKENS))
    await it.move(timedelta(hours=1))
    assert await waits(it) == 3600
    await it.hear(attendance_closed(3))
    assert await waits(it) == 0


async def test_a_survey_that_is_over_waits_no_more(it: Scene) -> None:
    """Once nobody can answer any more, letters that were never written are no alarm."""
    await it.hear(event(), it.ballots(*TOKENS))
    await it.move(timedelta(minutes=1))
    assert await waits(it) == 60
    await it.hear(survey_closed())
    assert await waits(it) == 0
