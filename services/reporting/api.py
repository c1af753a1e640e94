"""Reporting's routes: the figures of a year, the messages behind each, and the report."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from services.reporting.page import POLICY, report_page
from services.reporting.queries import YearBook
from services.reporting.rules import YearTold
from services.reporting.schemas import CountedMessage, FigureItem, Report
from shared.http.body import Id, Year
from shared.http.paging import Page, Paging, PagingDep
from shared.http.problems import InvalidRequest, NotFound
from shared.http.work import ReaderDep, api_router, store_of
from shared.problem import Problem
from shared.security.permissions import require

router = api_router("reporting")
Item = TypeVar("Item")
Place = tuple[str, str]


class NotAcceptable(Problem):
    """None of the types asked for can be answered

    The report is there as text/html and as application/json.
    """


async def year_told(year: Annotated[Year, Path()], request: Request, reader: ReaderDep) -> YearTold:
    """Return what is known of the year in the path."""
    return await store_of(request).need(YearBook).of(reader, year)


YearDep = Annotated[YearTold, Depends(year_told)]


@router.get("/v1/years/{year}/figures")
async def list_figures(told: YearDep, paging: PagingDep) -> Page[FigureItem]:
    """List the figures of a year, by key and event."""
    figures = sorted(told.figures.values(), key=lambda each: (each.key, each.event_id or ""))
    page, following = _slice(figures, lambda each: (each.key, each.event_id or ""), paging)
    return paging.page([FigureItem.of(each) for each in page], following)


@router.get(
    "/v1/years/{year}/figures/{key}/messages", dependencies=[Depends(require("reports:read"))]
)
async def list_figure_messages(
    told: YearDep,
    key: Annotated[str, Path(pattern=r"^[a-z]{1,40}(_[a-z]{1,40}){0,9}$")],
    paging: PagingDep,
    event_id: Annotated[Id | None, Query()] = None,
) -> Page[CountedMessage]:
    """List the messages that a figure rests on, by time."""
    figure = told.figures.get((key, event_id))
    if figure is None:
        raise NotFound("The year has no such figure.")
    page, following = _slice(
        figure.messages,
        lambda each: (each.at.isoformat("T", "microseconds"), each.message_id),
        paging,
    )
    return paging.page([CountedMessage.of(each) for each in page], following)


@router.get(
    "/v1/years/{year}/report",
    response_model=Report,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def get_report(told: YearDep, request: Request) -> Response:
    """Show the report of a year, as JSON or as a page, by what the caller accepts."""
    wanted = _wanted(request.headers.getlist("accept"))
    if wanted == "text/html":
        return HTMLResponse(
            report_page(told),
            headers={
                "Content-Security-Policy": POLICY,
                "Content-Language": "sv",
                "Vary": "Accept",
            },
        )
    return JSONResponse(Report.of(told).model_dump(mode="json"), headers={"Vary": "Accept"})


def _wanted(accept: Sequence[str]) -> str:
    """Return the type that the caller likes best of those there are; JSON where all are alike."""
    ranges: dict[str, float] = {}
    for part in ",".join(accept).split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        if name:
            ranges[name] = _quality(quality)
    if not ranges:
        return "application/json"
    qualities = {
        offered: next((ranges[name] for name in names if name in ranges), 0.0)
        for offered, names in {
            "application/json": ("application/json", "application/*", "*/*"),
            "text/html": ("text/html", "text/*", "*/*"),
        }.items()
    }
    best = max(qualities, key=lambda offered: qualities[offered])
    if not qualities[best]:
        raise NotAcceptable("Ask for text/html or application/json.", offered=list(qualities))
    return best


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0


def _slice(
    items: Sequence[Item], place: Callable[[Item], Place], paging: Paging
) -> tuple[Sequence[Item], str | None]:
    """Return the page after the cursor of items in the order of `place`, and the next cursor."""
    if paging.cursor is not None:
        after = _place(paging.cursor)
        items = [item for item in items if place(item) > after]
    page = items[: paging.limit]
    if len(items) <= len(page):
        return page, None
    text = json.dumps(place(page[-1]), separators=(",", ":"))
    return page, urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(cursor: str) -> Place:
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
        first, second = json.loads(text)
        if type(first) is type(second) is str:
            return first, second
    except (ValueError, TypeError, RecursionError):
        pass
    places = [{"pointer": "cursor", "message": "Not a cursor of this list"}]
    raise InvalidRequest("The cursor is not one of this list.", places)
