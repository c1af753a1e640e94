"""One's links by mail, fewer letters, and what is left when somebody is forgotten."""

from starlette.responses import Response

from services.web.neighbours import Refused
from services.web.page import LinkUnknown, PageDep, page_router
from services.web.pages.registrations import EMAIL

router = page_router()


@router.get("/{lang}/erased")
async def show_erased(page: PageDep) -> Response:
    """Everything about a person is gone."""
    return page.render("registrations/erased.html", private=True)


@router.get("/{lang}/mine")
async def show_mine(page: PageDep) -> Response:
    """Where to ask for one's links."""
    return page.render("registrations/mine.html")


@router.post("/{lang}/mine")
async def mail_links(page: PageDep) -> Response:
    """Have one's links mailed; the answer is the same for every address."""
    form = await page.form()
    email = form.text("email")
    sentence = page.gettext("Write your address like name@example.org.")
    if EMAIL.fullmatch(email):
        try:
            await page.api.post("/v1/registration-links", {"email": email}, key=form.key)
            return page.redirect("/mine/sent", "done")
        except Refused as refused:
            if refused.status == 429:
                raise
    return page.render(
        "registrations/mine.html", 422, errors={"email": sentence}, values={"email": email}
    )


@router.get("/{lang}/mine/sent")
async def show_sent(page: PageDep) -> Response:
    """Links are on their way, if there are any."""
    return page.render("registrations/sent.html", private=True)


@router.get("/{lang}/u/{token}")
async def show_unsubscribe(page: PageDep, token: str) -> Response:
    """A button that ends letters which are not about one's own registration."""
    return page.render("registrations/unsubscribe.html", private=True)


@router.post("/{lang}/u/{token}")
async def unsubscribe(page: PageDep, token: str) -> Response:
    """End such letters."""
    form = await page.form()
    try:
        await page.house.api.post("/v1/unsubscriptions", {"token": token}, key=form.key)
    except Refused as refused:
        if refused.status == 429:
            raise
        raise LinkUnknown from refused
    return page.redirect("/unsubscribed", "done")


@router.get("/{lang}/unsubscribed")
async def show_unsubscribed(page: PageDep) -> Response:
    """No such letters come any more."""
    return page.render("registrations/unsubscribed.html", private=True)
