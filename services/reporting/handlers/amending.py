"""Amending: what a late fact makes of a closed year is published, once all that came is read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from sqlalchemy import event, insert, select, text
from sqlalchemy.orm import Session
from sqlmodel import col

from services.reporting.models import ClosedYear, Progress, PublishedFigure
from services.reporting.queries import YearBook, closed_years
from services.reporting.rules import FIGURES, Change, changes
from shared.contracts.reporting import FigureAmended, FigurePublished
from shared.store import Store, Work
from shared.store.scheduler import Due

AMENDMENT = "amendment"
EVERY_YEAR = "every-year"
LOOK_AGAIN_SECONDS = 0.2
LOOKS = 100

_PROGRESS = text("UPDATE progress SET changes = changes + 1 WHERE id = 1")
_HEARD = "reporting.heard"


class StillReading(Exception):
    """Too much is unread to say what a closed year has become"""


class NothingUnread:
    """Says whether everything that lies on reporting's topics was heard."""

    def __init__(self, ask: Callable[[], Awaitable[bool]]) -> None:
        self.ask = ask


def note_progress(work: Work) -> None:
    """Have every year told anew once this work is committed.

    The one row is locked last of all, whatever else is written: nobody waits in a circle.
    """
    if not work.info.get(_HEARD):
        work.info[_HEARD] = True
        event.listen(work.sync_session, "before_commit", _step, once=True)


def _step(session: Session) -> None:
    session.execute(_PROGRESS)


async def amend_closed_years(work: Work) -> None:
    """Have the closed years looked at, if there are any, once all that came is read."""
    if await work.scalar(select(col(ClosedYear.year)).limit(1)) is not None:
        await work.later(AMENDMENT, EVERY_YEAR, work.now)


async def amend_when_all_is_read(store: Store, due: Due) -> None:
    """Publish what the facts say otherwise of closed years than was published; ends its row.

    It waits until nothing is unread: a store that is rebuilt half way would amend nonsense. What
    is heard meanwhile lets it begin again; where that takes long, it is tried again later.
    """
    for _ in range(LOOKS):
        if await store.need(NothingUnread).ask():
            break
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    else:
        raise StillReading(f"{due.key} waits until all is read")
    book = store.need(YearBook)
    async with store.read() as reader:
        seen = await reader.scalar(select(col(Progress.changes)))
        years = [(year, await book.known(reader, year)) for year in await closed_years(reader)]
    async with store.work() as work:
        await work.drop(AMENDMENT, due.key)
        now = await work.scalar(select(col(Progress.changes)).with_for_update())
        if now != seen or any(known.changes != seen for _, known in years):
            await work.later(AMENDMENT, due.key, due.at)
            return
        for year, known in years:
            await publish_changes(work, year, changes(known.shown.told, known.shown.versions))


async def publish_changes(work: Work, year: int, due: Sequence[Change]) -> None:
    """Publish the next versions of figures, and keep them."""
    if not due:
        return
    rows = [_published(work, year, change, work.now) for change in due]
    await work.execute(insert(PublishedFigure), rows)
    note_progress(work)


def _published(work: Work, year: int, change: Change, at: datetime) -> dict[str, object]:
    figure = change.figure
    kind = FigurePublished if change.version == 1 else FigureAmended
    as_of = figure.as_of or at
    work.publish(
        kind(
            year=year,
            figure_key=figure.key,
            event_id=figure.event_id,
            value=figure.value,
            unit=FIGURES[figure.key].unit,
            version=change.version,
            as_of=as_of,
            previous=change.previous,
            because=change.because,
        )
    )
    return {
        "year": year,
        "key": figure.key,
        "event_id": figure.event_id or "",
        "version": change.version,
        "value": figure.value,
        "because": change.because,
        "as_of": as_of,
        "published_at": at,
    }
