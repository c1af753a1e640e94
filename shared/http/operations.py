"""What those who run a service ask of it: is it quiet, move its clock, its dead letters."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel

from shared.clock import ReplayClock
from shared.http.problems import NotFound
from shared.messaging import dead_letters
from shared.security.permissions import require

if TYPE_CHECKING:
    from shared.member import Member
    from shared.service import Service

Operator = Depends(require("operations:admin"))


class QuietState(BaseModel):
    """Whether a service has anything left to do at this instant of its clock."""

    quiet: bool
    activity: int
    next_due: datetime | None
    reasons: list[str]


class ClockMove(BaseModel):
    """Where the replay clock shall stand, or that it shall run on."""

    now: AwareDatetime | None = None
    running: bool = False


class ParkedMessage(BaseModel):
    """A message that was put aside, without its body."""

    id: str
    service: str
    consumer: str
    message_id: str
    topic: str
    reason: str
    attempts: int
    parked_at: datetime


class ParkedMessageWithBody(ParkedMessage):
    """A message that was put aside, as it came; what is not UTF-8 is shown as escapes."""

    key: str | None
    headers: str
    body: str | None


def clock_router(member: "Member") -> APIRouter:
    """Return the inner routes by which a part of the house is moved through time."""
    router = APIRouter(prefix="/internal", include_in_schema=False, dependencies=[Operator])

    @router.get("/quiet")
    async def quiet(closely: bool = True) -> QuietState:
        state = await member.quiet(closely=closely)
        return QuietState(
            quiet=state.is_quiet,
            activity=state.activity,
            next_due=state.next_due,
            reasons=list(state.reasons),
        )

    @router.put("/clock", status_code=204)
    async def move_clock(move: ClockMove) -> None:
        if not isinstance(member.clock, ReplayClock):
            raise NotFound("This installation lives in ordinary time.")
        if move.now is not None and move.now > member.clock.now():
            member.clock.move(move.now)
        if move.running:
            member.clock.run_on()

    return router


def operations_router(service: "Service") -> APIRouter:
    """Return the inner routes; the gateway reaches them, the public does not."""
    router = APIRouter(prefix="/internal", include_in_schema=False, dependencies=[Operator])

    @router.get("/dead-letters")
    async def list_dead_letters() -> list[ParkedMessage]:
        async with service.store.read() as reader:
            rows = await dead_letters.listed(reader)
        return [ParkedMessage(service=service.name, **_fields(row)) for row in rows]

    @router.get("/dead-letters/{letter_id}")
    async def show_dead_letter(letter_id: str) -> ParkedMessageWithBody:
        row = await _found(service, letter_id)
        return ParkedMessageWithBody(
            service=service.name,
            key=_shown(row.key),
            headers=row.headers,
            body=_shown(row.body),
            **_fields(row),
        )

    @router.post("/dead-letters/{letter_id}/replay", status_code=204)
    async def replay_dead_letter(letter_id: str) -> None:
        row = await _found(service, letter_id)
        await service.replay(row)

    @router.delete("/dead-letters/{letter_id}", status_code=204)
    async def drop_dead_letter(letter_id: str) -> None:
        async with service.store.work() as work:
            if not await dead_letters.drop(work, letter_id):
                raise NotFound("No such message is parked here.")

    return router


async def _found(service: "Service", letter_id: str) -> Any:
    async with service.store.read() as reader:
        row = await dead_letters.find(reader, letter_id)
    if row is None:
        raise NotFound("No such message is parked here.")
    return row


def _fields(row: Any) -> dict[str, Any]:
    names = ("id", "consumer", "message_id", "topic", "reason", "attempts", "parked_at")
    return {name: getattr(row, name) for name in names}


def _shown(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "backslashreplace")
