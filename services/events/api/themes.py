"""Themes of a year."""

from typing import Annotated

from fastapi import Depends, Query, Response

from services.events.handlers.themes import DecideTheme
from services.events.handlers.themes import decide_theme as decide
from services.events.queries import programme
from services.events.schemas.programme import NewTheme, ThemeShown
from shared.http.body import Id, Year
from shared.http.etag import set_etag
from shared.http.paging import Page, PagingDep
from shared.http.work import ReaderDep, WorkDep, api_router
from shared.security.permissions import require

router = api_router("events")


@router.post("/v1/themes", status_code=201, dependencies=[Depends(require("events:admin"))])
async def decide_theme(body: NewTheme, work: WorkDep, response: Response) -> ThemeShown:
    """Give a year a theme."""
    theme = await decide(work, DecideTheme(body.year, body.key, body.titles))
    response.headers["Location"] = f"/v1/themes/{theme.id}"
    set_etag(response, theme.revision)
    return ThemeShown.of(theme)


@router.get("/v1/themes")
async def list_themes(
    reader: ReaderDep,
    paging: PagingDep,
    year: Annotated[Year | None, Query(description="of this year only")] = None,
) -> Page[ThemeShown]:
    """List themes by year and key."""
    themes, following = await programme.themes(reader, year, paging)
    return paging.page([ThemeShown.of(theme) for theme in themes], following)


@router.get("/v1/themes/{theme_id}")
async def get_theme(theme_id: Id, reader: ReaderDep, response: Response) -> ThemeShown:
    """Show one theme."""
    theme = await programme.theme(reader, theme_id)
    set_etag(response, theme.revision)
    return ThemeShown.of(theme)
