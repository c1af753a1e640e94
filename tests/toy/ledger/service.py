"""The ledger: writes one line for each place that was taken, with the name that belongs to it."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from sqlalchemy import MetaData
from sqlmodel import Field, SQLModel

from shared.messaging.subscription import DependencyDown, NotYet, Subscription
from shared.service import Parts
from shared.store import Work, table_metadata
from tests.toy.contracts import NameGiven, PlaceTaken


class Table(SQLModel):
    """The ledger's tables."""

    metadata: ClassVar[MetaData] = table_metadata()


class Entry(Table, table=True):
    """A line; nothing in the database keeps a message from being written twice."""

    seq: int | None = Field(default=None, primary_key=True)
    loan_id: str
    shelf_id: str
    place: int
    name: str | None = None


class Name(Table, table=True):
    """A name that came."""

    loan_id: str = Field(primary_key=True)
    name: str


class Weather:
    """What goes wrong with messages in a bad mood, for as long as it is set so."""

    def __init__(self) -> None:
        self.storm = False
        self.tries = 0


def subscription(purpose: str = "lines", within: timedelta | None = None) -> Subscription:
    """Return the ledger's ears, in a group of their own."""
    hears = Subscription("ledger", purpose, within)

    @hears.on(PlaceTaken)
    async def write_line(work: Work, message: PlaceTaken) -> None:
        weather = work.need(Weather)
        if message.mood == "bad":
            raise ValueError("a bad mood")
        if message.mood == "slow":
            await asyncio.sleep(0.05)
        if message.mood == "thrice":
            weather.tries += 1
            if weather.tries < 3:
                raise ValueError("not yet in the mood")
        if message.mood == "stormy" and weather.storm:
            raise DependencyDown("a storm")
        name = None
        if message.mood == "named":
            known = await work.get(Name, message.loan_id)
            if known is None:
                raise NotYet(NameGiven.topic, message.loan_id)
            name = known.name
        work.add(
            Entry(
                loan_id=message.loan_id, shelf_id=message.shelf_id, place=message.place, name=name
            )
        )

    @hears.on(NameGiven)
    async def keep_name(work: Work, message: NameGiven) -> None:
        await work.merge(Name(loan_id=message.loan_id, name=message.name))

    return hears


def parts(hears: Subscription) -> Parts:
    """Return the ledger with these ears."""
    return Parts(name="ledger", migrations=Path(__file__).parent, subscriptions=[hears])
