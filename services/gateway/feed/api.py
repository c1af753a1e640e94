"""The feed's addresses: pulled in pages, or streamed as it grows."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.responses import JSONResponse

from services.gateway.feed.cursors import Cursor, NotACursor, parse_cursor
from services.gateway.feed.reading import head_of, look, place_of
from services.gateway.feed.schemas import PublicMessages
from services.gateway.feed.streams import Opened, Streams
from services.gateway.feed.view import SHOWN, public_schema, service_of
from shared.contracts.every import CONTRACTS
from shared.contracts.schemas import schema_of
from shared.http.paging import DEFAULT_LIMIT, MAX_LIMIT, known_parameters
from shared.http.problems import InvalidRequest, NotFound, ScopeMissing, Unauthorised
from shared.http.work import ReaderDep, api_router, store_of
from shared.security.permissions import PrincipalDep

SCOPE: Final = "messages:read:"
NOW: Final = "now"
PUBLISHERS: Final = sorted({service_of(type_) for type_ in SHOWN})
_ONE_OF: Final[dict[str, Any]] = {
    "security": [{"bearer": [SCOPE + service]} for service in PUBLISHERS]
}
_TYPE: Final = re.compile(r"[a-z0-9.-]{1,120}")
_SCHEMA: Final = re.compile(r"(public/)?([a-z0-9.-]{1,120})\.json")

router = api_router("messages")
schemas = APIRouter(dependencies=[Depends(known_parameters)])

AfterParameter = Annotated[
    str,
    Query(
        max_length=64,
        description="`after` of the page before; empty for the beginning, `now` for what comes.",
    ),
]
TypesParameter = Annotated[
    list[str] | None,
    Query(
        max_length=100,
        description="Only these types of message: several, or one text with commas.",
        json_schema_extra={"examples": [["se.andan.events.registration.confirmed.v1"]]},
    ),
]


async def wanted_types(principal: PrincipalDep, types: TypesParameter = None) -> frozenset[str]:
    """Return the types that are asked for, or all that the caller may read.

    Raises Unauthorised, ScopeMissing for a type of a service whose messages he may not read, and
    InvalidRequest for what is no public type.
    """
    if principal.kind == "public":
        raise Unauthorised("This needs credentials.")
    readable = {name for name in PUBLISHERS if principal.may(SCOPE + name)}
    if not readable:
        missing = f"{SCOPE}{PUBLISHERS[0]}"
        raise ScopeMissing(f"A scope like {missing} is needed.", scope=missing)
    asked = frozenset(name for given in types or () for name in given.split(",") if name)
    if not asked:
        return frozenset(type_ for type_ in SHOWN if service_of(type_) in readable)
    unknown = sorted(asked - SHOWN.keys())
    if unknown:
        plain = [name for name in unknown if _TYPE.fullmatch(name)]
        told = f"Not a type of public message: {plain[0]}" if plain else "Not a type of message"
        raise InvalidRequest(
            "Some of the types are not public.", [{"pointer": "types", "message": told}]
        )
    for name in sorted({service_of(type_) for type_ in asked} - readable):
        raise ScopeMissing(f"The scope {SCOPE}{name} is needed.", scope=SCOPE + name)
    return asked


TypesDep = Annotated[frozenset[str], Depends(wanted_types)]


@router.get("/v1/messages", response_model=PublicMessages, openapi_extra=_ONE_OF)
async def list_messages(
    types: TypesDep,
    reader: ReaderDep,
    request: Request,
    after: AfterParameter = "",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="items at most")] = DEFAULT_LIMIT,
) -> Response:
    """List what the house has said, oldest first, in its public view.

    One order over all types: a reader that goes on at `after` misses nothing, however often it is
    away, and a page may be short (or empty) although `next` says that there is more. A place that
    an older store gave is a 410: begin again with an empty `after`. Nothing in it belongs to an
    organisation, so a key that is bound to one reads what any other reads.
    """
    begin = await head_of(reader) if after == NOW else await place_of(reader, _place(after))
    found = await look(reader, begin, types, limit)
    following = str(found.after)
    items = ",".join(each.text for each in found.items)
    told_next = f'"{following}"' if found.more else "null"
    headers = {}
    if found.more:
        kept = [(k, v) for k, v in request.query_params.multi_items() if k != "after"]
        query = urlencode([*kept, ("after", following)])
        headers["Link"] = f'<{quote(request.scope["path"])}?{query}>; rel="next"'
    text = f'{{"items":[{items}],"next":{told_next},"after":"{following}"}}'
    return Response(text.encode(), headers=headers, media_type="application/json")


async def opened_stream(
    request: Request,
    principal: PrincipalDep,
    types: TypesDep,
    after: AfterParameter = "",
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            max_length=64,
            description="The last id that was seen; before `after`.",
        ),
    ] = None,
) -> AsyncIterator[Opened]:
    """Let a stream in and hold its place until it ends."""
    place = after if last_event_id is None else last_event_id
    async with store_of(request).read() as reader:
        begin = await head_of(reader) if place == NOW else await place_of(reader, _place(place))
    with streams_of(request).admit(principal):
        yield Opened(principal, begin, types)


@router.get(
    "/v1/messages/stream",
    response_class=EventSourceResponse,
    openapi_extra=_ONE_OF,
)
async def stream_messages(
    request: Request, opened: Annotated[Opened, Depends(opened_stream)]
) -> AsyncIterator[ServerSentEvent]:
    """Stream what the house has said and says, as server-sent events; `data` is a CloudEvent.

    Each event's id is a cursor: sent as `Last-Event-ID` it goes on where it was cut. A
    comment is sent every 15 seconds. A stream ends when the process stops and within a minute of
    its key being revoked.
    """
    async for each in streams_of(request).follow(opened):
        yield each


@schemas.get("/schemas/{name:path}", include_in_schema=False)
async def show_schema(name: str) -> JSONResponse:
    """Show the JSON Schema of a message's body, as it is on the bus or (`public/…`) in the feed."""
    match = _SCHEMA.fullmatch(name)
    message = CONTRACTS.get(match[2]) if match else None
    if match is None or message is None or (match[1] and match[2] not in SHOWN):
        raise NotFound("There is no such schema.")
    schema = public_schema(message) if match[1] else schema_of(message)
    return JSONResponse(schema, media_type="application/schema+json")


def streams_of(request: Request) -> Streams:
    """Return the streams of this process."""
    found: Streams = request.app.state.streams
    return found


def _place(text: str) -> Cursor | None:
    """Return the place that a client kept, None for the beginning; raises InvalidRequest."""
    if not text:
        return None
    try:
        return parse_cursor(text)
    except NotACursor:
        places = [{"pointer": "after", "message": "Not a place in the feed"}]
        raise InvalidRequest("The cursor is none of this feed.", places) from None
