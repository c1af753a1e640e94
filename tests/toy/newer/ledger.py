"""The ledger, one version on: a line's `name` becomes its `holder`, in three steps."""

from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from sqlalchemy import MetaData
from sqlmodel import Field, SQLModel

from shared.messaging.subscription import NotYet, Subscription
from shared.service import Parts
from shared.store import Work, table_metadata
from tests.toy.contracts import NameGiven
from tests.toy.newer.contracts import PlaceTaken


class Step(StrEnum):
    """How far the change has come: what this process may take for granted."""

    EXPAND = "expand"
    """The version before runs beside it: both columns are written."""
    MIGRATE = "migrate"
    """Only this version runs: the old column is there, and nobody needs it."""
    CONTRACT = "contract"
    """The old column may go: starting lets it go."""


class Table(SQLModel):
    """The ledger's tables."""

    metadata: ClassVar[MetaData] = table_metadata()


class Before(SQLModel):
    """The same table as a process sees it that has the version before beside it."""

    metadata: ClassVar[MetaData] = table_metadata()


class Line(SQLModel):
    """What a line always has."""

    seq: int | None = Field(default=None, primary_key=True)
    loan_id: str
    shelf_id: str
    place: int
    holder: str | None = None
    shade: str | None = None


class Entry(Line, Table, table=True):
    """A line."""


class EntryOfBoth(Line, Before, table=True):
    """A line as both versions write it."""

    __tablename__ = "entry"

    name: str | None = None


class Name(Table, table=True):
    """A name that came."""

    loan_id: str = Field(primary_key=True)
    name: str


def subscription(purpose: str, step: Step) -> Subscription:
    """Return the ledger's ears, in the same group as the version before."""
    hears = Subscription("ledger", purpose)

    @hears.on(PlaceTaken)
    async def write_line(work: Work, message: PlaceTaken) -> None:
        holder = None
        if message.mood == "named":
            known = await work.get(Name, message.loan_id)
            if known is None:
                raise NotYet(NameGiven.topic, message.loan_id)
            holder = known.name
        facts = message.model_dump(include={"loan_id", "shelf_id", "place", "shade"})
        if step is Step.EXPAND:
            work.add(EntryOfBoth(**facts, holder=holder, name=holder))
        else:
            work.add(Entry(**facts, holder=holder))

    @hears.on(NameGiven)
    async def keep_name(work: Work, message: NameGiven) -> None:
        await work.merge(Name(loan_id=message.loan_id, name=message.name))

    return hears


def parts(hears: Subscription, step: Step) -> Parts:
    """Return the ledger with these ears, on the lineage of its step."""
    lineage = "ledger_contract" if step is Step.CONTRACT else "ledger_expand"
    return Parts(name="ledger", migrations=Path(__file__).parent / lineage, subscriptions=[hears])
