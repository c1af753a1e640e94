"""Reading the feed: the rows after a place, in short looks that hold nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlmodel import col

from services.gateway.feed.cursors import Cursor, FeedBeganAnew
from services.gateway.models import FeedHead, FeedRow
from shared.store import Reader

WINDOW: Final = 2_000
"""How many positions one statement looks through for the types that are wanted."""
_WINDOWS: Final = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of the feed as CloudEvents JSON, and the place right after it."""

    text: str
    after: Cursor


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found; `after` is where the next one begins, `more` whether now."""

    items: list[Shown]
    after: Cursor
    more: bool


async def head_of(reader: Reader) -> Cursor:
    """Return the place after the newest message."""
    head = await reader.get_one(FeedHead, 1)
    return Cursor(head.epoch, head.position)


async def place_of(reader: Reader, after: Cursor | None) -> Cursor:
    """Return where to begin: at `after`, or at the beginning; raises FeedBeganAnew.

    A place that this feed has not reached was given by a store that is gone.
    """
    head = await head_of(reader)
    if after is None:
        return Cursor(head.epoch, 0)
    if after.epoch != head.epoch or after.position > head.position:
        raise FeedBeganAnew("Ask with an empty `after` to begin at the beginning.")
    return after


async def look(reader: Reader, after: Cursor, types: Collection[str], limit: int) -> Look:
    """Return at most `limit` messages of `types` after a place, oldest first.

    The head is read first: what it counts is committed, in order, so nothing that comes later can
    stand before it. A look goes through so many rows at most; it may find fewer than there are.
    """
    head = await head_of(reader)
    items: list[Shown] = []
    position = after.position
    for _ in range(_WINDOWS):
        until = min(position + WINDOW, head.position)
        if until <= position:
            break
        wanted = limit - len(items)
        rows = (
            await reader.execute(
                select(col(FeedRow.position), col(FeedRow.envelope), col(FeedRow.data))
                .where(
                    col(FeedRow.position) > position,
                    col(FeedRow.position) <= until,
                    col(FeedRow.type).in_(types),
                )
                .order_by(col(FeedRow.position))
                .limit(wanted)
            )
        ).all()
        items += [
            Shown(f'{envelope[:-1]},"data":{data or "null"}}}', Cursor(head.epoch, place))
            for place, envelope, data in rows
        ]
        position = rows[-1][0] if len(rows) == wanted else until
        if len(items) == limit:
            break
    return Look(items, Cursor(head.epoch, position), position < head.position)
