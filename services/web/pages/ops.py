"""What operators look after: letters, the rehearsal's inbox, messages that were put aside."""

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import HTTPException
from starlette.responses import HTMLResponse, Response

from services.web.neighbours import Away, Refused
from services.web.page import Page, PageDep, page_router
from services.web.pages.desk.entrance import said, staff

router = page_router()

STATES: Final = ("queued", "sent", "bounced", "failed")
DONE: Final = ("replayed", "dropped")
_ON_A_PAGE: Final = 50
_MASK: Final = "•••"
_PERSONAL: Final = frozenset(
    {"name", "email", "contact", "text", "detail", "needs", "sealed", "purpose", "words", "address"}
)
LETTER_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'; sandbox"
)
"""A letter is text that somebody else composed: it may look like something and do nothing."""


@router.get("/{lang}/ops/deliveries")
@staff("notifications:read")
async def show_deliveries(page: PageDep, state: str = "", after: str = "") -> Response:
    """List the letters and what became of them."""
    chosen = state if state in STATES else ""
    found = await page.api.get("/v1/deliveries", status=chosen, limit=_ON_A_PAGE, cursor=after)
    return page.render(
        "ops/deliveries.html",
        deliveries=found["items"],
        following=found["next"],
        state=chosen,
        states=STATES,
    )


@router.get("/{lang}/ops/mail")
@staff("operations:admin")
async def show_inbox(page: PageDep, after: str = "") -> Response:
    """Show the mails that the rehearsal would have sent, newest first."""
    try:
        found = await page.api.get("/v1/rehearsal-mails", limit=_ON_A_PAGE, cursor=after)
    except Refused as refused:
        if refused.status != 404:
            raise
        return page.render("ops/inbox.html", 404, mails=None, following=None)
    return page.render("ops/inbox.html", mails=found["items"], following=found["next"])


@router.get("/{lang}/ops/mail/{mail_id}")
@staff("operations:admin")
async def show_mail(page: PageDep, mail_id: str) -> Response:
    """Show one mail; its HTML stands in a frame that can do nothing."""
    mail = await page.api.get(f"/v1/rehearsal-mails/{mail_id}")
    return page.render("ops/mail.html", private=True, mail=mail)


@router.get("/{lang}/ops/mail/{mail_id}/html")
@staff("operations:admin")
async def show_letter(page: PageDep, mail_id: str) -> Response:
    """Give the frame the HTML of a mail, under a policy that lets nothing run or load."""
    mail = await page.api.get(f"/v1/rehearsal-mails/{mail_id}")
    headers = {
        "Content-Security-Policy": LETTER_POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return page.dress(HTMLResponse(mail["html"] or "", headers=headers), private=True)


@router.get("/{lang}/ops/parked")
@staff("operations:admin")
async def show_parked(page: PageDep, after: str = "", done: str = "") -> Response:
    """List the messages that were put aside."""
    found = await page.api.get("/v1/dead-letters", limit=_ON_A_PAGE, cursor=after)
    return page.render(
        "ops/parked.html",
        letters=found["items"],
        following=found["next"],
        done=done if done in DONE else "",
    )


@router.get("/{lang}/ops/parked/{service}/{letter_id}")
@staff("operations:admin")
async def show_letter_parked(page: PageDep, service: str, letter_id: str) -> Response:
    """Show a message that was put aside, with what is personal masked."""
    return await _parked(page, service, letter_id)


@router.post("/{lang}/ops/parked/{service}/{letter_id}/replay")
@staff("operations:admin")
async def replay(page: PageDep, service: str, letter_id: str) -> Response:
    """Have a message handled again."""
    form = await page.form()
    try:
        await page.api.post(f"/v1/dead-letters/{service}/{letter_id}/replay", key=form.key)
    except (Refused, Away) as refused:
        return await _refused(page, service, letter_id, refused)
    return page.redirect("/ops/parked?done=replayed", "done")


@router.post("/{lang}/ops/parked/{service}/{letter_id}/drop")
@staff("operations:admin")
async def drop(page: PageDep, service: str, letter_id: str) -> Response:
    """Give a message up for good."""
    form = await page.form()
    if form.text("sure") != "yes":
        sentence = page.gettext("Tick the box: a dropped message never comes back.")
        return await _parked(page, service, letter_id, errors={"sure": sentence})
    try:
        await page.api.delete(f"/v1/dead-letters/{service}/{letter_id}")
    except (Refused, Away) as refused:
        return await _refused(page, service, letter_id, refused)
    return page.redirect("/ops/parked?done=dropped", "done")


async def _refused(page: Page, service: str, letter_id: str, refused: Refused | Away) -> Response:
    """Say why it could not be done; one that is gone already was dealt with by another."""
    if isinstance(refused, Refused) and refused.status == 404:
        return page.redirect("/ops/parked", "list")
    return await _parked(page, service, letter_id, errors={"form": said(page, refused)})


async def _parked(
    page: Page, service: str, letter_id: str, *, errors: dict[str, str] | None = None
) -> Response:
    try:
        letter = await page.api.get(f"/v1/dead-letters/{service}/{letter_id}")
    except Refused as refused:
        raise HTTPException(refused.status) from refused
    return page.render(
        "ops/letter.html",
        422 if errors else 200,
        letter=letter,
        shown=masked_text(letter["body"]),
        errors=errors or {},
    )


def masked_text(body: str | None) -> str:
    """Return a message's body as it may be shown: JSON whose personal fields are masked.

    A body that is no JSON object is not shown at all: nobody knows what stands in it.
    """
    try:
        read = json.loads(body or "")
    except ValueError:
        return ""
    if not isinstance(read, dict):
        return ""
    return json.dumps(masked(read), ensure_ascii=False, indent=2)


def masked(value: Any, name: str = "") -> Any:
    """Return a value without what is personal: such fields by their name, and any free text."""
    if name in _PERSONAL:
        return _MASK
    if isinstance(value, Mapping):
        return {each: masked(inner, str(each)) for each, inner in value.items()}
    if isinstance(value, list):
        return [masked(each, name) for each in value]
    if isinstance(value, str) and (len(value) > 64 or "@" in value or " " in value):
        return _MASK
    return value
