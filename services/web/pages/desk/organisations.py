"""The organisations of the city: listed, and added."""

from typing import Any, Final

from starlette.responses import Response

from services.web.neighbours import Away, Refused
from services.web.page import Page, PageDep, page_router
from services.web.pages.desk.entrance import said, staff
from services.web.words import WORDS

router = page_router()

_ON_A_PAGE: Final = 100


@router.get("/{lang}/desk/orgs")
@staff("directory:admin")
async def show_organisations(page: PageDep, after: str = "", done: str = "") -> Response:
    """List the organisations by name, those that are unlisted too."""
    return await _list(page, after=after, done=done)


@router.post("/{lang}/desk/orgs")
@staff("directory:admin")
async def add(page: PageDep) -> Response:
    """Register an organisation."""
    form = await page.form()
    values = dict(form)
    if not form.text("name"):
        return await _list(page, values=values, errors={"name": page.gettext("Write its name.")})
    body = {
        "name": form.text("name"),
        "kind": form.text("kind") or "association",
        "sector": form.text("sector") or None,
        "resident": form.text("resident") == "yes",
        "unlisted": form.text("unlisted") == "yes",
    }
    try:
        made = await page.api.post("/v1/organisations", body, key=form.key)
    except (Refused, Away) as refused:
        return await _list(page, values=values, errors={"form": said(page, refused)})
    return page.redirect(f"/desk/orgs?done={made['id']}", "done")


async def _list(
    page: Page,
    *,
    after: str = "",
    done: str = "",
    values: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    found = await page.api.get("/v1/organisations", limit=_ON_A_PAGE, cursor=after)
    made = None
    if done:
        try:
            made = await page.api.get(f"/v1/organisations/{done}")
        except Refused:
            made = None
    return page.render(
        "desk/orgs.html",
        422 if errors else 200,
        organisations=found["items"],
        following=found["next"],
        kinds=list(WORDS["kind"]),
        sectors=list(WORDS["sector"]),
        made=made,
        values=values or {},
        errors=errors or {},
    )
