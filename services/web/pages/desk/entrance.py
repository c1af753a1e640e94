"""Who may see a page of the house's own people, and what the API's refusals mean to them."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

from starlette.responses import Response

from services.web.forms import StaleForm
from services.web.neighbours import Away, Refused
from services.web.page import Page

Endpoint = Callable[..., Awaitable[Response]]


def staff(*scopes: str) -> Callable[[Endpoint], Endpoint]:
    """Show a page to who has signed in with all of `scopes`; tell anybody else what he needs."""

    def around(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def admitted(*, page: Page, **given: Any) -> Response:
            if page.signed_in is None:
                return await _sign_in_first(page)
            if missing := sorted(set(scopes) - page.signed_in):
                return page.render("desk/lacking.html", 403, private=True, scopes=missing)
            return await endpoint(page=page, **given)

        return admitted

    return around


async def _sign_in_first(page: Page) -> Response:
    """Say how to sign in; what was sent after a session had ended stands there to be sent again."""
    pairs = None
    if page.request.method == "POST":
        try:
            pairs = (await page.form()).pairs
        except StaleForm as stale:
            pairs = stale.form.pairs
    return page.render("sign_in/ask.html", 401, private=True, over=False, left=False, pairs=pairs)


def _(text: str) -> str:
    """Mark a text for the catalogues."""
    return text


_SAID: Final = {
    "room-taken": _("The room is taken at that time."),
    "wrong-state": _(
        "This has been decided or changed in the meantime. The page shows how it is now."
    ),
    "event-full": _("All places are given."),
    "registration-closed": _("Registration is not open for this event."),
    "group-too-large": _("The group is larger than the event."),
    "event-incoherent": _("Some of this contradicts the rest."),
    "not-ready": _("Something is missing before it can be published."),
    "too-many-people": _("The room does not hold that many people."),
    "closed": _("The room is closed at that time."),
    "past": _("That time has passed."),
    "invalid-request": _("Something cannot be kept as it was written."),
    "precondition-failed": _("Somebody else changed this in the meantime. Look at it again."),
    "idempotency-key-reused": _(
        "This form was sent before with something else in it. Open it again."
    ),
    "not-found": _("It is not there any more."),
    "too-many-requests": _("That was too fast. Wait a moment and try again."),
    "scope-missing": _("Your session does not allow this."),
}


def said(page: Page, refused: Refused | Away) -> str:
    """Return what a refusal means, in a sentence."""
    if isinstance(refused, Away):
        return page.gettext("It could not be done just now: a part of Andan does not answer.")
    return page.gettext(_SAID.get(refused.slug, "It could not be done."))
