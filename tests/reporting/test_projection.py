"""Reporting's projection: rebuilt = lived, agrees with the counter, rests on what it lists."""

import json
import random
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.rules import FIGURES, HEARD
from shared.contracts.events import EventPublished, EventRescheduled, HeadsCounted
from tests.conftest import Rounds
from tests.reporting.counter import Record, count
from tests.reporting.logs import YEARS, Log, compacted, gathering, interleaved, invented, meeting
from tests.reporting.projection import TOLD, Projections, as_published

SEEDS = st.integers(0, 2**32)
HEARD_TYPES = {message.type for message in HEARD}


@pytest.fixture
def projections(tmp_path: Path) -> Projections:
    return Projections(tmp_path)


def expected(records: list[Record]) -> dict[tuple[int, str, str | None], Any]:
    """Return what the independent counter says of every year, tables as dictionaries."""
    counted = {}
    for year in TOLD:
        for (key, event_id), value in as_published(count(records, year)).items():
            counted[year, key, event_id] = value
    return counted


def values(told: Mapping[Any, tuple[str, list[str]]]) -> dict[Any, Any]:
    """Return the values of what is told, tables as dictionaries."""
    return {
        place: json.loads(value) if value.startswith("{") else value
        for place, (value, _) in told.items()
    }


@pytest.mark.anyio
@given(seed=SEEDS, order=SEEDS)
async def test_rebuilt_is_lived(projections: Projections, seed: int, order: int) -> None:
    """Figures and provenance are the same bytes after a rebuild, however topics interleave."""
    records = invented(seed)
    async with projections.new() as lived, projections.new() as rebuilt:
        await lived.hear(records, seed=seed)
        await rebuilt.hear(interleaved(records, order), seed=order)
        assert await lived.dump() == await rebuilt.dump()


@pytest.mark.anyio
@given(seed=SEEDS)
async def test_what_is_told_half_way_does_not_matter(projections: Projections, seed: int) -> None:
    """A year that was read while it was lived is told anew once another message came."""
    records = invented(seed)
    half = len(records) // 2
    async with projections.new() as read_often, projections.new() as read_once:
        await read_often.hear(records[:half])
        assert values(await read_often.told()) == expected(records[:half])
        await read_often.hear(records[half:])
        await read_once.hear(records)
        assert await read_often.dump() == await read_once.dump()


@pytest.mark.anyio
@given(seed=SEEDS)
async def test_a_compacted_topic_tells_the_same(projections: Projections, seed: int) -> None:
    """A rebuild from what compaction left of the quotes gives the same reports, to the byte."""
    records = invented(seed)
    async with projections.new() as lived, projections.new() as rebuilt:
        await lived.hear(records, seed=seed)
        await rebuilt.hear(compacted(records))
        assert await lived.dump() == await rebuilt.dump()


@pytest.mark.anyio
async def test_old_messages_that_the_inbox_forgot_change_nothing(
    projections: Projections,
) -> None:
    """Everything delivered again after the inbox was cleaned leaves every figure as it was."""
    records = invented(7, size=3)
    async with projections.new() as projection:
        await projection.hear(records)
        before = await projection.dump()
        async with projection.store.work() as work:
            connection = await work.connection()
            await connection.exec_driver_sql("DELETE FROM inbox")
        await projection.hear(records)
        assert await projection.dump() == before
        assert projection.consumer.counts["duplicate"] == 0


@pytest.mark.anyio
@given(seed=SEEDS)
async def test_figures_agree_with_the_counter(projections: Projections, seed: int) -> None:
    """Every figure of every year is what a naive count over the raw messages gives."""
    records = invented(seed)
    async with projections.new() as projection:
        await projection.hear(records)
        assert values(await projection.told()) == expected(records)


@pytest.mark.anyio
@given(seed=SEEDS)
async def test_a_message_taken_away_changes_only_figures_that_list_it(
    projections: Projections, rounds: Rounds, seed: int
) -> None:
    """Without one message, of any kind, only figures that listed it are other than before."""
    records = invented(seed)
    async with projections.new() as projection:
        await projection.hear(records)
        before = await projection.told()
        for taken in taken_away(records, seed, rounds(sample=5, whole=20)):
            rest = [record for record in records if record is not taken]
            await projection.forget()
            await projection.hear(rest)
            after = await projection.told()
            assert values(after) == expected(rest)
            years = {year for (year, *_), (_, ids) in before.items() if taken.id in ids}
            for place in before.keys() | after.keys():
                if place not in before:  # what was not there could list nothing
                    moved = any(
                        taken.id in before[was][1] for was in before if was[1:] == place[1:]
                    )
                    assert moved or place[0] in years, (place, taken)
                elif taken.id not in before[place][1]:
                    assert after[place][0] == before[place][0], (place, taken)


@pytest.mark.anyio
@given(seed=SEEDS)
async def test_a_message_taken_away_changes_every_figure_that_lists_it(
    projections: Projections, rounds: Rounds, seed: int
) -> None:
    """Where nothing was said twice, each figure that listed the message is another without it.

    Only a table of sectors may hide the difference, as it should, and a rounded mean: it rests on
    another number of answers then.
    """
    records = invented(seed, plain=True)
    async with projections.new() as projection:
        await projection.hear(records)
        before, rested_on = await projection.told(), await projection.numbers()
        for taken in taken_away(records, seed, rounds(sample=5, whole=20)):
            await projection.forget()
            await projection.hear([record for record in records if record is not taken])
            after, rests_on = await projection.told(), await projection.numbers()
            listing = {place for place, (_, ids) in before.items() if taken.id in ids}
            changed = {
                place
                for place, (value, _) in before.items()
                if place not in after
                or after[place][0] != value
                or rests_on[place] != rested_on[place]
            }
            sectors = {place for place in listing if place[1] == "participants_by_sector"}
            assert listing - sectors == changed - sectors, taken


def taken_away(records: list[Record], seed: int, most: int) -> list[Record]:
    """Return records to be taken away, each of another type, drawn."""
    by_type = defaultdict(list)
    for record in records:
        by_type[record.type].append(record)
    draw = random.Random(seed)
    drawn = [draw.choice(of_type) for _, of_type in sorted(by_type.items())]
    return draw.sample(drawn, min(most, len(drawn)))


@pytest.mark.anyio
async def test_what_took_something_out_of_a_year_is_listed_there(projections: Projections) -> None:
    """A correction that moved a gathering or an event to another year is listed in both."""
    log = Log(1)
    for year in YEARS:
        log.say(gathering("b1", year))
        log.say(meeting(EventPublished if year == YEARS[0] else EventRescheduled, year))
    log.say(HeadsCounted(event_id="e1", year=YEARS[0], count_id="c1", people=9))
    moves = [record.id for record in log.records[2:4]]
    async with projections.new() as projection:
        await projection.hear(log.records)
        told = await projection.told()
    for year in YEARS:
        assert told[year, "gatherings", None][1] == [moves[0]]
        assert told[year, "events_by_format", None][1] == [moves[1]]
        assert moves[1] in told[year, "attendances", None][1]
    assert (YEARS[0], "attendance", "e1") not in told
    assert told[YEARS[1], "attendance", "e1"][0] == "9"


@pytest.mark.anyio
async def test_figures_rest_on_the_types_of_the_table(projections: Projections) -> None:
    """A figure lists only types that the table names for it, and each of them in some log."""
    seen: dict[str, set[str]] = defaultdict(set)
    for seed in range(120):
        async with projections.new() as projection:
            await projection.hear(invented(seed))
            for year in YEARS:
                for figure in (await projection.year(year)).figures.values():
                    seen[figure.key] |= {each.type for each in figure.messages}
    assert seen == {
        key: {message.type for message in definition.rests_on}
        for key, definition in FIGURES.items()
    }


@pytest.mark.anyio
async def test_only_what_a_figure_rests_on_is_kept(projections: Projections) -> None:
    """Messages that no figure rests on leave no row."""
    records = invented(3, size=12)
    async with projections.new() as projection:
        await projection.hear(records)
        async with projection.store.work() as work:
            connection = await work.connection()
            kept = (await connection.exec_driver_sql("SELECT message_id FROM fact")).scalars()
            assert set(kept) == {r.id for r in records if r.type in HEARD_TYPES}
