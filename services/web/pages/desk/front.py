"""The desk: what needs somebody now."""

from starlette.responses import Response

from services.web.page import PageDep, page_router
from services.web.pages.desk.entrance import staff
from services.web.pages.desk.waiting import MOST, SHOWN, all_waiting

router = page_router()


@router.get("/{lang}/desk")
@staff()
async def show_desk(page: PageDep) -> Response:
    """Show what waits, the most urgent kind first."""
    waiting = await all_waiting(page)
    return page.render("desk/front.html", waiting=waiting, shown=SHOWN, most=MOST)
