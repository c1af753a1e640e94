"""Reporting's routes: years, their figures and the messages behind each, the report, closing."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Query, Request, Response

from services.reporting import forms
from services.reporting.accept import Language, best_language, best_type
from services.reporting.handlers import CloseYear, close_year
from services.reporting.queries import KnownYear, YearBook, years_known
from services.reporting.rules import Figure
from services.reporting.schemas import CountedMessage, FigureDetail, FigureItem, Report, YearItem
from shared.http.body import Id, Year
from shared.http.etag import set_content_etag
from shared.http.paging import Page, Paging, PagingDep
from shared.http.problems import InvalidRequest, NotFound
from shared.http.work import ReaderDep, WorkDep, api_router, store_of
from shared.security.permissions import require

JSON, CSV, PDF, HTML = "application/json", "text/csv", "application/pdf", "text/html"

router = api_router("reporting")
Item = TypeVar("Item")
Place = tuple[str, str]


async def known_year(
    year: Annotated[Year, Path()], request: Request, reader: ReaderDep
) -> KnownYear:
    """Return what is known of the year in the path."""
    return await store_of(request).need(YearBook).known(reader, year)


YearDep = Annotated[KnownYear, Depends(known_year)]
KeyDep = Annotated[str, Path(pattern=r"^[a-z]{1,40}(_[a-z]{1,40}){0,9}$")]


def _also(*types: str) -> dict[int | str, dict[str, Any]]:
    """Return what the document says of types beside JSON."""
    return {200: {"content": {each: {"schema": {"type": "string"}} for each in types}}}


@router.get("/v1/years")
async def list_years(reader: ReaderDep, paging: PagingDep) -> Page[YearItem]:
    """List the years that anything is known of, the latest first."""
    years = await years_known(reader)
    page, following = _slice(years, lambda each: (f"{9999 - each[0]:04d}", ""), paging)
    return paging.page([YearItem.of(*each) for each in page], following)


@router.get("/v1/years/{year}/figures", response_model=Page[FigureItem], responses=_also(CSV))
async def list_figures(known: YearDep, paging: PagingDep, request: Request) -> Any:
    """List the figures of a year, by key and event; as CSV all of them at once.

    The table has a header in English and a row for each value, or for each cell of a figure that
    is a table; no cell begins as a formula would.
    """
    if best_type(request.headers.getlist("accept"), (JSON, CSV)) == CSV:
        name = f"andan-{known.shown.year}-figures.csv"
        return _file(await forms.figures_as_csv(known), CSV, name)
    paging.response.headers["Vary"] = "Accept"
    figures = sorted(known.shown.figures, key=_place_of)
    page, following = _slice(figures, _place_of, paging)
    return paging.page([FigureItem.of(each) for each in page], following)


@router.get("/v1/years/{year}/figures/{key}")
async def get_figure(
    known: YearDep,
    key: KeyDep,
    response: Response,
    event_id: Annotated[Id | None, Query()] = None,
) -> FigureDetail:
    """Show a figure with its definition, rule, n, the messages behind it by type, its versions."""
    detail = FigureDetail.detailed(_figure(known, key, event_id), known.shown)
    set_content_etag(response, detail.model_dump_json().encode())
    return detail


@router.get(
    "/v1/years/{year}/figures/{key}/messages", dependencies=[Depends(require("reports:read"))]
)
async def list_figure_messages(
    known: YearDep,
    key: KeyDep,
    paging: PagingDep,
    event_id: Annotated[Id | None, Query()] = None,
) -> Page[CountedMessage]:
    """List the messages that a figure rests on, by time."""
    page, following = _slice(
        _figure(known, key, event_id).messages,
        lambda each: (each.at.isoformat("T", "microseconds"), each.message_id),
        paging,
    )
    return paging.page([CountedMessage.of(each) for each in page], following)


@router.get("/v1/years/{year}/report", response_model=Report, responses=_also(CSV, PDF, HTML))
async def get_report(
    known: YearDep, request: Request, language: Annotated[Language | None, Query()] = None
) -> Response:
    """Show the report of a year as JSON, CSV, tagged PDF or page, by what the caller accepts.

    A request for a page never comes here: the gateway has it answered by web. The PDF is in
    Swedish or English, by `language` or else by what the caller reads.
    """
    wanted = best_type(request.headers.getlist("accept"), (JSON, PDF, CSV))
    year = known.shown.year
    if wanted == PDF:
        spoken = language or best_language(request.headers.getlist("accept-language"))
        answer = _file(await forms.as_pdf(known, spoken), PDF, f"andan-{year}-{spoken}.pdf")
        answer.headers.update({"Content-Language": spoken, "Vary": "Accept, Accept-Language"})
        return answer
    if wanted == CSV:
        return _file(await forms.as_csv(known), CSV, f"andan-{year}.csv")
    return _answer(await forms.as_json(known), JSON, {"Vary": "Accept"})


@router.post("/v1/years/{year}/closing", dependencies=[Depends(require("reports:admin"))])
async def close_report(year: Annotated[Year, Path()], work: WorkDep) -> YearItem:
    """Close a year: publish its figures; whatever comes later amends them visibly.

    A year that is closed already stays as it is.
    """
    return YearItem.of(year, await close_year(work, CloseYear(year)))


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Vary": "Accept", "Content-Disposition": f'inline; filename="{name}"'}
    return _answer(content, media_type, headers)


def _answer(content: bytes, media_type: str, headers: dict[str, str]) -> Response:
    response = Response(content, media_type=media_type, headers=headers)
    set_content_etag(response, content)
    return response


def _figure(known: KnownYear, key: str, event_id: str | None) -> Figure:
    figure = known.shown.figure(key, event_id)
    if figure is None:
        raise NotFound("The year has no such figure.")
    return figure


def _place_of(figure: Figure) -> Place:
    return figure.key, figure.event_id or ""


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
