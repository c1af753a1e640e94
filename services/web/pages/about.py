"""What is said of the house: personal data, access, open data."""

from starlette.responses import Response

from services.web.page import PageDep, page_router

router = page_router()


@router.get("/{lang}/privacy")
async def show_privacy(page: PageDep) -> Response:
    """What is kept of people, why, and for how long."""
    return page.render("about/privacy.html")


@router.get("/{lang}/a11y")
async def show_access_statement(page: PageDep) -> Response:
    """How accessible the pages are, and whom to tell of what is not."""
    return page.render("about/a11y.html")


@router.get("/{lang}/data")
async def show_open_data(page: PageDep) -> Response:
    """What is published for programs, and where."""
    year = page.now.year
    return page.render("about/data.html", years=[year, year - 1])
