"""What operators ask of the whole house: dead letters, and the clock of a replay."""

from collections.abc import Mapping
from typing import Annotated, Any

import httpx2
from fastapi import APIRouter, Depends, Query, Request

from services.gateway.replay import Replay
from services.gateway.rules import KEPT_IN
from services.gateway.schemas import (
    ClockMove,
    ClockState,
    DeadLetter,
    DeadLetterPage,
    DeadLetterWithBody,
)
from services.gateway.upstreams import Upstream
from shared.http.body import Id
from shared.http.paging import PagingDep, known_parameters
from shared.http.problems import InvalidRequest, NotFound, Unavailable
from shared.http.work import api_router
from shared.security.permissions import require

Operator = Depends(require("operations:admin"))
letters = api_router("operations")
clock = APIRouter(tags=["operations"], dependencies=[Depends(known_parameters)])


def upstreams_of(request: Request) -> Mapping[str, Upstream]:
    """Return the services behind this gateway."""
    found: Mapping[str, Upstream] = request.app.state.upstreams
    return found


def replay_of(request: Request) -> Replay:
    """Return the replay of this house; raises NotFound in ordinary time."""
    replay: Replay | None = request.app.state.replay
    if replay is None:
        raise NotFound("This installation lives in ordinary time.")
    return replay


ReplayDep = Annotated[Replay, Depends(replay_of)]
UpstreamsDep = Annotated[Mapping[str, Upstream], Depends(upstreams_of)]


@letters.get("/v1/dead-letters", dependencies=[Operator])
async def list_dead_letters(
    upstreams: UpstreamsDep,
    paging: PagingDep,
    service: Annotated[str | None, Query(max_length=64)] = None,
) -> DeadLetterPage:
    """List the messages that were put aside, of all services or one, oldest first."""
    if service is not None and service not in upstreams:
        places = [{"pointer": "service", "message": "Not a service of this house"}]
        raise InvalidRequest("There is no such service.", places)
    found: list[DeadLetter] = []
    for name in upstreams if service is None else [service]:
        rows = await _ask(upstreams, name, "GET", "")
        found += [DeadLetter.model_validate(row) for row in rows]
    ordered = sorted(found, key=lambda each: each.id)
    after = [each for each in ordered if paging.cursor is None or each.id > paging.cursor]
    items = after[: paging.limit]
    page = paging.page(items, items[-1].id if len(after) > len(items) else None)
    return DeadLetterPage(items=page.items, next=page.next)


@letters.get("/v1/dead-letters/{service}/{letter_id}", dependencies=[Operator])
async def show_dead_letter(
    service: Id, letter_id: Id, upstreams: UpstreamsDep
) -> DeadLetterWithBody:
    """Show a message that was put aside, as it came."""
    shown = await _ask(upstreams, service, "GET", f"/{letter_id}")
    return DeadLetterWithBody.model_validate(shown)


@letters.post(
    "/v1/dead-letters/{service}/{letter_id}/replay", status_code=204, dependencies=[Operator]
)
async def replay_dead_letter(service: Id, letter_id: Id, upstreams: UpstreamsDep) -> None:
    """Have a message that was put aside handled or sent again."""
    await _ask(upstreams, service, "POST", f"/{letter_id}/replay")


@letters.delete("/v1/dead-letters/{service}/{letter_id}", status_code=204, dependencies=[Operator])
async def drop_dead_letter(service: Id, letter_id: Id, upstreams: UpstreamsDep) -> None:
    """Drop a message that was put aside for good."""
    await _ask(upstreams, service, "DELETE", f"/{letter_id}")


@clock.get("/v1/clock")
async def show_clock(replay: ReplayDep) -> ClockState:
    """Tell where the replay clock stands; 404 in ordinary time."""
    return ClockState(now=replay.now(), quiet=await replay.is_quiet())


@clock.put("/v1/clock", dependencies=[Depends(replay_of), Depends(require("gateway:admin"))])
async def move_clock(body: ClockMove, replay: ReplayDep) -> ClockState:
    """Move the replay clock forwards, stopping at every due time, or let it run on.

    Answers when the house is quiet; 404 in ordinary time.
    """
    if body.now is None:
        await replay.run_on()
        return ClockState(now=replay.now(), quiet=await replay.is_quiet())
    await replay.move(body.now)
    return ClockState(now=replay.now(), quiet=True)


async def _ask(upstreams: Mapping[str, Upstream], name: str, method: str, path: str) -> Any:
    """Ask a service about its dead letters; raises NotFound, Unavailable."""
    if name not in upstreams:
        raise NotFound("There is no such service.")
    try:
        answer = await upstreams[name].call(method, f"/{KEPT_IN}/dead-letters{path}")
    except httpx2.TransportError as error:
        raise Unavailable(f"The service {name} does not answer.", reasons=[name]) from error
    if answer.status_code == 404:
        raise NotFound("No such message is parked there.")
    if answer.is_error:
        raise Unavailable(f"The service {name} could not do that.", reasons=[name])
    return answer.json() if answer.content else None
