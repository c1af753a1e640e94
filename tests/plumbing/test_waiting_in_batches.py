"""A batch in which some messages have to wait is taken whole all the same."""

from pathlib import Path
from typing import Any

import pytest

from shared.messaging.consumer import Consumer
from shared.testing.fixtures import DIALECTS, MakeUrl
from tests.toy.house import house, make_bus, unique
from tests.toy.ledger.service import subscription
from tests.toy.lender.service import TakePlace, take_place

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_what_waits_does_not_split_its_batch(
    tmp_path: Path, make_url: MakeUrl, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines were added before the message that waits; nothing is rolled back and taken alone."""
    alone: list[Any] = []
    take_alone = Consumer._take_alone

    async def seen(self: Consumer, received: Any) -> None:
        alone.append(received)
        await take_alone(self, received)

    monkeypatch.setattr(Consumer, "_take_alone", seen)
    urls = [await make_url(dialect), await make_url(dialect)]
    async with house(make_bus("embedded", tmp_path), subscription(unique("lines")), *urls) as both:
        async with both.lender.store.work() as work:
            for number in range(20):
                mood = "named" if number % 5 == 4 else "good"
                await take_place(work, "s", TakePlace(mood=mood, name="nobody"))
        await both.quiet()
        assert len(await both.lines()) == 16
    assert alone == []
