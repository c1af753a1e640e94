"""The lender: lends numbered places on shelves, never more than there are."""

from pathlib import Path
from typing import ClassVar

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import MetaData, select
from sqlmodel import Field, SQLModel, col

from shared.http.work import ReaderDep, WorkDep, WorkRoute
from shared.ids import new_id
from shared.problem import Problem
from shared.service import Parts
from shared.store import Work, table_metadata
from shared.store.scheduler import Due
from tests.toy.contracts import NameGiven, PlaceTaken


class Table(SQLModel):
    """The lender's tables."""

    metadata: ClassVar[MetaData] = table_metadata()


class Shelf(Table, table=True):
    """A shelf and how many of its places are taken."""

    id: str = Field(primary_key=True)
    capacity: int
    taken: int


class Loan(Table, table=True):
    """A place that was taken."""

    id: str = Field(primary_key=True)
    shelf_id: str
    place: int


class ShelfFull(Problem):
    """All places are taken"""


router = APIRouter(route_class=WorkRoute)


class TakePlace(BaseModel):
    """The body of a request for a place."""

    name: str = "anybody"
    mood: str = "good"


@router.post("/shelves/{shelf_id}/loans", status_code=201)
async def lend(shelf_id: str, body: TakePlace, work: WorkDep) -> dict[str, str | int]:
    """Take the next place of a shelf."""
    loan = await take_place(work, shelf_id, body)
    return {"id": loan.id, "place": loan.place}


@router.get("/shelves/{shelf_id}")
async def shelf(shelf_id: str, reader: ReaderDep) -> dict[str, int]:
    """Tell how full a shelf is."""
    found = await reader.get_one(Shelf, shelf_id)
    return {"capacity": found.capacity, "taken": found.taken}


async def take_place(work: Work, shelf_id: str, body: TakePlace) -> Loan:
    """Take the next place, under the lock of the shelf; raise ShelfFull."""
    statement = select(Shelf).where(col(Shelf.id) == shelf_id).with_for_update()
    shelf = (await work.scalars(statement)).one()
    if shelf.taken >= shelf.capacity:
        raise ShelfFull(f"all {shelf.capacity} places are taken")
    shelf.taken += 1
    loan = Loan(id=new_id(), shelf_id=shelf_id, place=shelf.taken)
    work.add(loan)
    work.publish(
        PlaceTaken(shelf_id=shelf_id, loan_id=loan.id, place=loan.place, mood=body.mood),
        sequence=shelf.taken,
    )
    if body.name != "nobody":
        work.publish(NameGiven(loan_id=loan.id, name=body.name))
    return loan


async def remind(work: Work, due: Due) -> None:
    """Give the loan's name once more: what the lender does later."""
    work.publish(NameGiven(loan_id=due.key, name="reminded"))


PARTS = Parts(
    name="lender",
    migrations=Path(__file__).parent,
    routers=[router],
    tasks={"remind": remind},
    problems={ShelfFull: 409},
)
