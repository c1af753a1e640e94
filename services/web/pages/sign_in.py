"""Signing in by a link that works once, and signing out."""

from contextlib import suppress
from typing import Final

from starlette.responses import Response

from services.web.neighbours import Away, Refused
from services.web.page import SESSION_COOKIE, Page, PageDep, page_router

router = page_router()

SESSION_SECONDS: Final = 12 * 3_600
_LONGEST_TOKEN: Final = 200


@router.get("/{lang}/sign-in")
async def show_sign_in(page: PageDep, left: str = "") -> Response:
    """Say how to sign in, or that it is done."""
    return _ask(page, left=bool(left))


@router.get("/{lang}/sign-in/{token}")
async def show_link(page: PageDep, token: str) -> Response:
    """Show the button that spends a link: opening the page does nothing, mail scanners do."""
    return page.render("sign_in/link.html", private=True, token=token[:_LONGEST_TOKEN])


@router.post("/{lang}/sign-in/{token}")
async def spend_link(page: PageDep, token: str) -> Response:
    """Spend a link and let the browser keep the session."""
    form = await page.form()
    try:
        session = await page.house.api.post("/v1/sessions", {"token": token}, key=form.key)
    except Refused as refused:
        if refused.status == 429:
            wait = page.gettext(
                "There were too many tries. Wait a minute and press the button again."
            )
            return _again(page, token, wait, 429)
        return _ask(page, over=True, status=404)
    except Away:
        wait = page.gettext("Signing in does not work just now. The link still does: try again.")
        return _again(page, token, wait, 503)
    response = page.redirect("/desk", "main")
    page.set_cookie(response, SESSION_COOKIE, session["token"], SESSION_SECONDS)
    return response


@router.post("/{lang}/sign-out")
async def leave(page: PageDep) -> Response:
    """End the session, on the server and in the browser."""
    await page.form()
    if page.signed_in is not None:
        with suppress(Refused):  # it is over already
            await page.api.delete("/v1/sessions/current")
    response = page.redirect("/sign-in?left=yes", "done")
    page.drop_cookie(response, SESSION_COOKIE)
    return response


def _ask(page: Page, *, over: bool = False, left: bool = False, status: int = 200) -> Response:
    return page.render("sign_in/ask.html", status, private=True, over=over, left=left, pairs=None)


def _again(page: Page, token: str, sentence: str, status: int) -> Response:
    return page.render(
        "sign_in/link.html", status, private=True, token=token, errors={"form": sentence}
    )
