"""Who came."""

from typing import Any

from fastapi import Depends, Response

from services.events.handlers import attendance
from services.events.handlers.unchanged import Unchanged, check_event, check_registration
from services.events.queries.registrations import attendance_of
from services.events.schemas.registrations import (
    Attendance,
    AttendanceShown,
    ClosedShown,
    Heads,
    HeadsShown,
    Settled,
    WalkIns,
)
from shared.http.body import Id
from shared.http.etag import IfMatchDep, set_etag
from shared.http.work import ReaderDep, WorkDep, api_router
from shared.security.permissions import require

router = api_router("events")
WRITE = [Depends(require("attendance:write"))]


@router.post(
    "/v1/registrations/{registration_id}/attendance",
    dependencies=WRITE,
    response_model=Settled,
    response_model_exclude_none=True,
)
async def mark_attendance(
    registration_id: Id, body: Attendance, work: WorkDep, response: Response, if_match: IfMatchDep
) -> Any:
    """Note whether somebody came; the last word holds."""
    if if_match.is_given:
        await check_registration(work, Unchanged(registration_id, if_match.check))
    command = attendance.MarkAttendance(registration_id, body.attended)
    done = await attendance.mark_attendance(work, command)
    set_etag(response, done.revision)
    return {"id": done.id, "status": done.status}


@router.get("/v1/events/{event_id}/attendance", dependencies=WRITE)
async def get_attendance(event_id: Id, reader: ReaderDep) -> AttendanceShown:
    """Show who is in so far, named and counted."""
    return AttendanceShown.of(await attendance_of(reader, event_id))


@router.post("/v1/events/{event_id}/head-counts", status_code=201, dependencies=WRITE)
async def count_heads(event_id: Id, body: Heads, work: WorkDep) -> HeadsShown:
    """Add people counted without a name; with `count_id`, correct an earlier count."""
    sector = body.sector.value if body.sector else None
    command = attendance.CountHeads(event_id, body.people, sector, body.count_id)
    return _heads(await attendance.count_heads(work, command))


@router.post("/v1/events/{event_id}/walk-ins", status_code=201, dependencies=WRITE)
async def count_walk_ins(event_id: Id, body: WalkIns, work: WorkDep) -> HeadsShown:
    """Add people who came without a registration."""
    sector = body.sector.value if body.sector else None
    command = attendance.CountHeads(event_id, body.people, sector)
    return _heads(await attendance.count_heads(work, command))


@router.post("/v1/events/{event_id}/attendance-closing", dependencies=WRITE)
async def close_attendance(event_id: Id, work: WorkDep, if_match: IfMatchDep) -> ClosedShown:
    """Say that who came is known; by itself 72 hours after the end."""
    if if_match.is_given:
        await check_event(work, Unchanged(event_id, if_match.check))
    came = await attendance.close_attendance(work, attendance.CloseAttendance(event_id))
    return ClosedShown(event_id=event_id, attended=came)


def _heads(counted: Any) -> HeadsShown:
    return HeadsShown(count_id=counted.id, people=counted.people, sector=counted.sector)
