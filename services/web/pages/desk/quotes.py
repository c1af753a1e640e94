"""What people wrote and let us quote: read before anybody else does, cut, approved."""

from typing import Final

from starlette.responses import Response

from services.web.neighbours import Away, Refused
from services.web.page import Page, PageDep, page_router
from services.web.pages.desk.entrance import said, staff

router = page_router()

STATES: Final = ("proposed", "approved")
_ON_A_PAGE: Final = 20


@router.get("/{lang}/desk/quotes")
@staff("surveys:admin")
async def show_quotes(page: PageDep, state: str = "", after: str = "", done: str = "") -> Response:
    """List the quotes that wait, or those that are approved."""
    chosen = state if state in STATES else "proposed"
    return await _list(page, state=chosen, after=after, done=bool(done))


@router.post("/{lang}/desk/quotes/{quote_id}/approval")
@staff("surveys:admin")
async def approve(page: PageDep, quote_id: str) -> Response:
    """Let others read a quote: whole, or as it was cut."""
    form = await page.form()
    text = form.text("text").replace("\r\n", "\n")
    if not text:
        wrong = page.gettext("Leave some of the words, or do not approve the quote.")
        return await _list(page, about=quote_id, text=text, wrong=wrong)
    whole = form.get("whole", "").replace("\r\n", "\n").strip()
    body: dict[str, object] = {"names_event": form.get("names_event") == "yes"}
    body |= {} if text == whole else {"text": text}
    try:
        await page.api.post(f"/v1/quotes/{quote_id}/approval", body, key=form.key)
    except Refused as refused:
        wrong = said(page, refused)
        if refused.slug == "reworded":
            wrong = page.gettext(
                "Words may be left out, each time with […] in their place, never changed."
            )
        return await _list(page, about=quote_id, text=text, wrong=wrong)
    except Away as away:
        return await _list(page, about=quote_id, text=text, wrong=said(page, away))
    return page.redirect("/desk/quotes?done=yes", "done")


async def _list(
    page: Page,
    *,
    state: str = "proposed",
    after: str = "",
    done: bool = False,
    about: str = "",
    text: str = "",
    wrong: str = "",
) -> Response:
    found = await page.api.get("/v1/quotes", status=state, limit=_ON_A_PAGE, cursor=after)
    return page.render(
        "desk/quotes.html",
        422 if wrong else 200,
        quotes=found["items"],
        following=found["next"],
        state=state,
        states=STATES,
        done=done,
        about=about,
        text=text,
        errors={f"text-{about}": wrong} if wrong else {},
    )
