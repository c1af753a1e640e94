"""The figures of a log that the real house lived, not one invented for the test."""

from collections import defaultdict
from pathlib import Path

import pytest

from services.reporting.rules import HEARD
from tests.conftest import Rounds
from tests.reporting.counter import Record, count
from tests.reporting.lived import Figures, lived_week, records_of
from tests.reporting.projection import Projection, Projections, as_published
from tests.reporting.test_projection import values

pytestmark = pytest.mark.anyio
YEAR = 2023
HEARD_TYPES = {message.type for message in HEARD}


async def test_a_lived_log_tells_its_figures(tmp_path: Path, rounds: Rounds) -> None:
    """A naive count over the raw log gives the house's figures; without a message, its change."""
    async with lived_week(tmp_path / "house") as told:
        pass
    records = records_of(tmp_path / "house" / "log.sqlite")
    assert len({record.type for record in records} & HEARD_TYPES) >= 9
    assert values(told) == expected(records)
    assert told["gatherings", None][1], "the house names the messages it counted"
    async with Projections(tmp_path).new() as projection:
        await projection.hear(records)
        assert await figures_of(projection) == told
        for taken in one_of_each(records, rounds(sample=3, whole=40)):
            rest = [record for record in records if record is not taken]
            await projection.forget()
            await projection.hear(rest)
            without = await figures_of(projection)
            assert values(without) == expected(rest), taken
            assert differing(told, without) == listing(told, taken), taken


def expected(records: list[Record]) -> dict[tuple[str, str | None], object]:
    """Return what the independent counter says, small numbers of people withheld."""
    return dict(as_published(count(records, YEAR)))


async def figures_of(projection: Projection) -> Figures:
    """Return value and message ids of every figure, as a projection tells them."""
    told = (await projection.year(YEAR)).figures
    return {
        place: (figure.value, [each.message_id for each in figure.messages])
        for place, figure in told.items()
    }


def one_of_each(records: list[Record], most: int) -> list[Record]:
    """Return the last messages of each type that figures rest on."""
    by_type = defaultdict(list)
    for record in records:
        if record.type in HEARD_TYPES:
            by_type[record.type].append(record)
    return [record for _, of_type in sorted(by_type.items()) for record in of_type[-most:]]


def differing(before: Figures, after: Figures) -> set[tuple[str, str | None]]:
    """Return the figures that have another value; tables of sectors may hide it, as they should."""
    places = {place for place, (value, _) in before.items() if after.get(place, ("",))[0] != value}
    return {place for place in places if not place[0].endswith("by_sector")}


def listing(told: Figures, taken: Record) -> set[tuple[str, str | None]]:
    """Return the figures that name a message, without the tables of sectors."""
    places = {place for place, (_, ids) in told.items() if taken.id in ids}
    return {place for place in places if not place[0].endswith("by_sector")}
