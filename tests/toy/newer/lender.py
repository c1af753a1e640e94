"""The lender, one version on: every loan has a shade, and its message says so."""

from pathlib import Path
from typing import ClassVar

from fastapi import APIRouter
from sqlalchemy import MetaData, select
from sqlmodel import Field, SQLModel, col

from shared.http.work import WorkDep, WorkRoute
from shared.ids import new_id
from shared.service import Parts
from shared.store import Work, table_metadata
from tests.toy.contracts import NameGiven
from tests.toy.lender.service import ShelfFull, TakePlace, remind
from tests.toy.newer.contracts import PlaceTaken

SHADE = "blue"


class Table(SQLModel):
    """The lender's tables."""

    metadata: ClassVar[MetaData] = table_metadata()


class Shelf(Table, table=True):
    """A shelf and how many of its places are taken."""

    id: str = Field(primary_key=True)
    capacity: int
    taken: int


class Loan(Table, table=True):
    """A place that was taken; one of the version before has no shade."""

    id: str = Field(primary_key=True)
    shelf_id: str
    place: int
    shade: str | None = None


router = APIRouter(route_class=WorkRoute)


@router.post("/shelves/{shelf_id}/loans", status_code=201)
async def lend(shelf_id: str, body: TakePlace, work: WorkDep) -> dict[str, str | int]:
    """Take the next place of a shelf."""
    loan = await take_place(work, shelf_id, body)
    return {"id": loan.id, "place": loan.place}


async def take_place(work: Work, shelf_id: str, body: TakePlace) -> Loan:
    """Take the next place, under the lock of the shelf; raise ShelfFull."""
    statement = select(Shelf).where(col(Shelf.id) == shelf_id).with_for_update()
    shelf = (await work.scalars(statement)).one()
    if shelf.taken >= shelf.capacity:
        raise ShelfFull(f"all {shelf.capacity} places are taken")
    shelf.taken += 1
    loan = Loan(id=new_id(), shelf_id=shelf_id, place=shelf.taken, shade=SHADE)
    work.add(loan)
    taken = PlaceTaken(
        shelf_id=shelf_id, loan_id=loan.id, place=loan.place, mood=body.mood, shade=SHADE
    )
    work.publish(taken, sequence=shelf.taken)
    work.publish(NameGiven(loan_id=loan.id, name=body.name))
    return loan


PARTS = Parts(
    name="lender",
    migrations=Path(__file__).parent / "lender_expand",
    routers=[router],
    tasks={"remind": remind},
    problems={ShelfFull: 409},
)
